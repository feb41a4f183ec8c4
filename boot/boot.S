# boot.S: from the loader's 32-bit protected mode to the kernel's Go in 64-bit mode.
#
# Assembled with `as --32`, linked by linker.ld at 1 MiB into the ELF32 that both QEMU's -kernel (multiboot 1) and
# GRUB (multiboot 1 or 2) load. The kernel proper was linked by Go at its own high address; its load segments
# travel in this file (payload.S, which tools/mkimage writes) at physical address = virtual - 0xffffffff80000000.
#
# On entry (Multiboot 0.6.96 §3.2, Multiboot2 §3.3): EAX = magic, EBX = information block, flat segments, paging
# off, interrupts off. No stack is promised.
#
# On the way out: RDI = the handoff block below (physical), paging on with
#     0 .. 4 GiB                   identity, for this code and until the kernel has its own tables
#     ffff8000_00000000 + 4 GiB    the direct map, same pages
#     ffffffff_80000000 + 1 GiB    the kernel image
# These tables are writable and executable throughout; the kernel leaves them for W^X ones as soon as it can.

	.set	MB1_MAGIC, 0x1BADB002
	.set	MB1_FLAGS, 0x00000003		# page-align modules, memory information
	.set	MB2_MAGIC, 0xE85250D6

	.set	CR0_VALUE, 0x80010033		# PG, WP, NE, ET, MP, PE
	.set	CR4_PAE_FXSR_XMM, 0x620		# PAE | OSFXSR | OSXMMEXCPT
	.set	MSR_EFER, 0xC0000080
	.set	EFER_SCE_LME, 0x101
	.set	EFER_NXE, 0x800

	.section .multiboot, "a"
	.align	8
mb2_header:
	.long	MB2_MAGIC, 0, mb2_end - mb2_header, -(MB2_MAGIC + 0 + (mb2_end - mb2_header))
	# information request: command line, modules, memory map; the RSDP tags are optional by nature
	.short	1, 0
	.long	8 + 3*4
	.long	1, 3, 6
	.align	8
	# modules on page boundaries
	.short	6, 0
	.long	8
	# end
	.short	0, 0
	.long	8
mb2_end:
	.align	4
mb1_header:
	.long	MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

	.section .boot.text, "ax"
	.code32
	.globl	_start
_start:
	cli
	cld
	movl	%eax, %esi			# the magic; CPUID and RDTSC want EAX, EBX, EDX
	movl	$boot_stack_top, %esp
	movl	%esi, handoff_magic
	movl	%ebx, handoff_info

	# A CPU without CPUID, or long mode ends here with a word on the serial line.
	pushfl
	popl	%eax
	movl	%eax, %ecx
	xorl	$0x200000, %eax			# EFLAGS.ID
	pushl	%eax
	popfl
	pushfl
	popl	%eax
	cmpl	%eax, %ecx
	movl	$msg_cpuid, %edi
	je	die
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	movl	$msg_long, %edi
	jb	die
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx			# LM
	jnc	die
	movl	$EFER_SCE_LME, %ebp
	btl	$20, %edx			# NX
	jnc	1f
	orl	$EFER_NXE, %ebp
1:	movl	%ebp, handoff_efer

	rdtsc
	movl	%eax, handoff_tsc
	movl	%edx, handoff_tsc + 4

	# Only a loader that says its name has left a block worth reading; the kernel checks the block itself.
	movl	$msg_magic, %edi
	cmpl	$0x2BADB002, %esi
	je	2f
	cmpl	$0x36D76289, %esi
	jne	die
2:
	# Multiboot 1 says how much memory there is above 1 MiB (GRUB does not start what does not fit).
	cmpl	$0x2BADB002, %esi
	jne	2f
	movl	handoff_info, %ebx
	testl	$1, (%ebx)
	jz	2f
	movl	8(%ebx), %eax			# KiB
	cmpl	$image_kib, %eax
	movl	$msg_memory, %edi
	jb	die
2:
	# Page tables: one PDPT serves 0 and the direct map, another the last GiB but one.
	movl	$boot_pdpt_low, %eax
	orl	$3, %eax
	movl	%eax, boot_pml4
	movl	%eax, boot_pml4 + 256*8
	movl	$boot_pdpt_high, %eax
	orl	$3, %eax
	movl	%eax, boot_pml4 + 511*8
	movl	$boot_pd, %eax
	orl	$3, %eax
	movl	%eax, boot_pdpt_high + 510*8
	movl	$boot_pdpt_low, %esi
	movl	$4, %ecx
3:	movl	%eax, (%esi)
	addl	$4096, %eax
	addl	$8, %esi
	loop	3b
	movl	$boot_pd, %edi
	movl	$0x83, %eax			# present, writable, 2 MiB
	movl	$2048, %ecx
4:	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	loop	4b

	# CR4 and CR0 as a whole: a loader may have left TS, CD, LA57 or PCIDE set.
	movl	$CR4_PAE_FXSR_XMM, %eax
	movl	%eax, %cr4
	movl	$boot_pml4, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	movl	%ebp, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_VALUE, %eax
	movl	%eax, %cr0
	lgdt	boot_gdtr
	ljmp	$8, $long_mode

# die prints the string at EDI on the first serial port and stops this CPU for good.
die:
	movw	$0x3F8 + 3, %dx			# 8 data bits, no parity, one stop bit: a loader may have left anything
	movb	$3, %al
	outb	%al, %dx
1:	movl	$100000, %ecx			# a port without a UART never becomes ready
2:	movw	$0x3F8 + 5, %dx
	inb	%dx, %al
	testb	$0x20, %al
	loopz	2b
	movb	(%edi), %al
	testb	%al, %al
	jz	3f
	movw	$0x3F8, %dx
	outb	%al, %dx
	incl	%edi
	jmp	1b
3:	movw	$0xF4, %dx			# QEMU's isa-debug-exit, where there is one: failed
	movl	$1, %eax
	outl	%eax, %dx
4:	cli
	hlt
	jmp	4b

	.code64
long_mode:
	xorl	%eax, %eax
	movl	%eax, %ss
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$packed_text, %esi
	movl	$packed_text_end, %edx
	movl	$ktext_start, %edi
	call	unpack
	movl	$packed_rodata, %esi
	movl	$packed_rodata_end, %edx
	movl	$krodata_start, %edi
	call	unpack
	movl	$kbss_start, %edi
	movl	$kbss_end, %ecx
	subl	%edi, %ecx
	xorl	%eax, %eax
	rep stosb
	movl	$handoff, %edi
	movl	$kernel_entry, %eax		# rt0's low 32 bits: sign extension gives the rest
	movslq	%eax, %rax
	jmp	*%rax

# unpack makes at RDI what the LZ4 block from RSI to RDX says (kernel/symtab/expand.go has the format; mkimage made the block).
unpack:
	movzbl	(%rsi), %eax			# token
	incq	%rsi
	movl	%eax, %ecx
	shrl	$4, %ecx
	call	length
	rep movsb				# literals
	cmpq	%rdx, %rsi
	jae	1f
	movzwl	(%rsi), %ebx			# how far back
	addq	$2, %rsi
	movl	%eax, %ecx
	andl	$15, %ecx
	call	length
	addl	$4, %ecx
	movq	%rsi, %r8
	movq	%rdi, %rsi
	subq	%rbx, %rsi
	rep movsb				# byte after byte: what is copied may begin in what is being made
	movq	%r8, %rsi
	jmp	unpack
1:	ret

# length adds to ECX what follows at RSI, if it is 15.
length:
	cmpl	$15, %ecx
	jne	2f
1:	movzbl	(%rsi), %r9d
	incq	%rsi
	addl	%r9d, %ecx
	cmpl	$255, %r9d
	je	1b
2:	ret

	.section .boot.rodata, "a"
msg_cpuid:
	.asciz	"exo: this CPU has no CPUID: an x86-64 CPU is needed\r\n"
msg_long:
	.asciz	"exo: this CPU has no 64-bit mode: an x86-64 CPU is needed\r\n"
msg_memory:
	.asciz	"exo: cannot boot: out of memory: there is less than the image takes\r\n"
msg_magic:
	.asciz	"exo: not started by a multiboot loader (bad magic): boot build/exo.img with qemu -kernel or GRUB\r\n"

	.section .boot.data, "aw"
	.align	16
boot_gdt:
	.quad	0
	.quad	0x00AF9A000000FFFF		# 64-bit code
	.quad	0x00CF92000000FFFF		# data
boot_gdtr:
	.short	. - boot_gdt - 1
	.long	boot_gdt

# What the kernel is told. arch/amd64/handoff.go has the same layout.
	.align	16
	.globl	handoff
handoff:
handoff_magic:	.long	0			# multiboot magic
handoff_info:	.long	0			# multiboot information block, physical
handoff_tsc:	.quad	0			# TSC at _start
handoff_efer:	.quad	0			# EFER as set
		.long	trampoline_start, 0, trampoline_end, 0
		.long	symbols_start, 0, symbols_end, 0
		.long	image_start, 0, image_end, 0
		.long	kernel_segments, 0	# payload.S: three pairs start, end (virtual): text, rodata, data

	.section .boot.bss, "aw", @nobits
	.align	4096
boot_pml4:	.skip	4096
boot_pdpt_low:	.skip	4096
boot_pdpt_high:	.skip	4096
boot_pd:	.skip	4*4096
boot_stack:	.skip	1024
boot_stack_top:
