/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * kexec-idle - boots another "kernel" by kexec, one that does nothing for ever. Under Xen the guest
 * asks for a soft reset on the way, and goes on behind it with its memory as it is.
 */
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRY 0x2000000UL /* 32 MiB: memory of every guest */
#define PAGE  4096

/* cli; 1: pause; jmp 1b */
static const unsigned char idle[] = {0xfa, 0xf3, 0x90, 0xeb, 0xfc};

int main(void)
{
	struct kexec_segment segment = {
		.buf = idle, .bufsz = sizeof(idle), .mem = (void *)ENTRY, .memsz = PAGE};

	if (syscall(SYS_kexec_load, ENTRY, 1UL, &segment, (unsigned long)KEXEC_ARCH_X86_64) < 0) {
		perror("kexec_load");
		return 1;
	}
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	perror("reboot");
	return 1;
}
