/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The MESSAGE_ID= of every message that a person or a program may want to find again. Each has an
 * entry in conf/xendomains.catalog (a test compares the two). An ID is never used for anything
 * else, and never changes.
 */

#define MSG_STAGE_STARTED    "b0f935ed7eff4f079cee7075336f72d8"
#define MSG_STAGE_DONE       "e0d5849c98184c29b2029b88de0c49d5"
#define MSG_STAGE_FAILED     "ccc5c3a47063448080394831acaa7934"
#define MSG_GUEST_DONE       "654055544f654a6296102693e1173aae"
#define MSG_GUEST_FAILED     "5ea942fd734a4e69ad74b768a402afc7"
#define MSG_SEQUENCE_STARTED "07c59ad1ecd54c06b291bccf3c36ba3a"
#define MSG_SEQUENCE_DONE    "5853b0b7a63d4cc18774d46c264d2ed0"
#define MSG_SEQUENCE_FAILED  "a4b7d440a1c846e18646d742390e0afe"
#define MSG_DOMAIN_APPEARED  "32e36a4cd874499eb48dece8f2546bbd"
#define MSG_DOMAIN_GONE      "886744479f7a487eac44b6f468d015e3"
#define MSG_DOMAIN_RENAMED   "1ab45c6f073645c88af9aa4a1891c2de"
#define MSG_GUEST_ENDED      "35c37235614e43f88e34593bb531de6d"
#define MSG_GUEST_HELD       "76eb4a7257bd42158b40befa8aa6f9c8"
#define MSG_GUEST_MIGRATED   "00ea6a8c67bc4c6bb006db19b008718d"
#define MSG_GUEST_COLD       "92bd5aa897884998a43db7c9cf818baf"
#define MSG_GUEST_UNDECIDED  "9e130624d7d24a958de35466076c9382"
#define MSG_GUEST_DELAYED    "767c0f90bd4844dc8a0f4ffec5c1e35d"
#define MSG_GUEST_EJECTS     "32252f51be444016a993721cf7ffea54"
#define MSG_GUEST_LATE       "4a3679a8ede546108252b5b9fd734a44"
#define MSG_WORKER_ADOPTED   "ef718b22375b4632a9a8cfedc2f7e7f3"
#define MSG_WORKER_LOST      "596708672fe443b485e65638f3347f5a"
#define MSG_CONFIG_REFUSED   "a64f04be21394c1b8bdd77dc1bdc7d3e"
#define MSG_CONFIG_LOADED    "d01803e6aea54fa9b8309c866e89db01"
#define MSG_XENSTORE_LOST    "a719467fdf4b43848832f3964061ce09"
#define MSG_OTHER_XEN        "e28e9cdc1c4f4019b95128d69e021982"
#define MSG_LOCK_TAKEN       "14c39e6db6ca46ef971b5c1027746db2"
#define MSG_LOCK_RELEASED    "6f7a35d910bd4cfab39e112cbc401318"
#define MSG_HOST_GOES_DOWN   "fbba3a3b827f4ebd84fca760598e502b"
#define MSG_TIME_SHORT       "5673eceb4dda4f4484862c8368a6f50e"
#define MSG_HOST_STAYS_UP    "f16e08f344034d1bb337f1e452001b5a"
#define MSG_DOMAINS_UNLISTED "64c6c32b90d5445a95a419cae92283c0"
#define MSG_BUS_LOST         "ec8afb1fbae142ac8835ace4db1e2695"
#define MSG_BUS_FOUND        "f9b21a7a8345479481b7ce7ddd0986a4"
#define MSG_LOCK_REFUSED     "d0534c07e96d45e3bd792b20f33f709f"
#define MSG_LOCK_LOST        "b34ee8a0244846f78ae1514faf88bc61"
#define MSG_LOGIND_RESTARTED "98684103f26043abbb50fdd3d6691250"
#define MSG_TIME_OVER        "fa74f9620f1343408e4fbca053368df6"
#define MSG_GUEST_AWAITED    "4679d71190f041a28351057c9b1e031c"
