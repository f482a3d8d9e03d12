/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The interface that the daemon serves: its name, its methods and errors, and the text that
 * org.varlink.service.GetInterfaceDescription returns. Members are added, never changed.
 */

#define INTERFACE         "org.xendomains.Manager"
#define INTERFACE_SERVICE "org.varlink.service"

#define METHOD_START   INTERFACE ".Start"
#define METHOD_RESTART INTERFACE ".Restart"
#define METHOD_CANCEL  INTERFACE ".Cancel"
#define METHOD_STOP    INTERFACE ".Stop"
#define METHOD_STATUS  INTERFACE ".Status"
#define METHOD_PLAN    INTERFACE ".Plan"
#define METHOD_RELOAD  INTERFACE ".Reload"

#define METHOD_LIST_IMAGES  INTERFACE ".ListImages"
#define METHOD_VERIFY_IMAGE INTERFACE ".VerifyImage"
#define METHOD_DELETE_IMAGE INTERFACE ".DeleteImage"

#define ERROR_NO_SUCH_GUEST         INTERFACE ".NoSuchGuest"
#define ERROR_CONFIGURATION_REFUSED INTERFACE ".ConfigurationRefused"
#define ERROR_NOT_POSSIBLE          INTERFACE ".NotPossible"

/* The default socket of the daemon. */
#define SOCKET_PATH "/run/xendomains/" INTERFACE

extern const char interface_description[];
extern const char interface_service_description[];
