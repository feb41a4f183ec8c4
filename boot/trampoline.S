# trampoline.S: where an application processor wakes up (SDM vol. 3A §9.4.4, start-up IPI).
#
# The kernel copies [trampoline_start, trampoline_end) to a page below 1 MiB, fills in the parameters at its end
# (arch/amd64/smp.go knows them by tramp_params' layout), maps that page at its own address for a while, and sends
# INIT and SIPI to one CPU at a time. A CPU that wakes up late must not take the parameters of another: it compares
# its own APIC id with the expected one, and halts for good if they differ.

	.set	CR4_PAE_FXSR_XMM, 0x620
	.set	MSR_EFER, 0xC0000080

	.section .trampoline, "a"
	.code16
	.globl	trampoline_start, trampoline_end
trampoline_start:
	cli
	cld
	movw	%cs, %ax			# CS = page >> 4: everything below is relative to it
	movw	%ax, %ds
	movzwl	%ax, %ebx
	shll	$4, %ebx			# EBX = where this page is
	leal	(tramp_gdt - trampoline_start)(%ebx), %eax
	movl	%eax, tramp_gdtr - trampoline_start + 2
	leal	(tramp32 - trampoline_start)(%ebx), %eax
	movl	%eax, tramp_jump32 - trampoline_start
	leal	(tramp64 - trampoline_start)(%ebx), %eax
	movl	%eax, tramp_jump64 - trampoline_start
	lgdtl	tramp_gdtr - trampoline_start
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	*(tramp_jump32 - trampoline_start)

	.code32
tramp32:
	movw	$24, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	leal	(tramp_params - trampoline_start)(%ebx), %esi
	movl	%ebx, %ebp			# CPUID writes EBX

	# My APIC id: all 32 bits from leaf 0xB where there is one, else 8 bits from leaf 1.
	xorl	%eax, %eax
	cpuid
	cmpl	$0xB, %eax
	jb	1f
	movl	$0xB, %eax
	xorl	%ecx, %ecx
	cpuid
	testl	%ebx, %ebx			# a leaf that is not there reads zero
	jz	1f
	movl	%edx, %edi
	jmp	2f
1:	movl	$1, %eax
	cpuid
	shrl	$24, %ebx
	movl	%ebx, %edi
2:	cmpl	%edi, 12(%esi)
	jne	late

	movl	%cr4, %eax
	orl	$CR4_PAE_FXSR_XMM, %eax
	movl	%eax, %cr4
	movl	0(%esi), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	movl	4(%esi), %eax
	xorl	%edx, %edx
	wrmsr
	movl	8(%esi), %eax			# CR0 as the boot CPU has it
	movl	%eax, %cr0
	ljmpl	*(tramp_jump64 - trampoline_start)(%ebp)
late:
	cli
	hlt
	jmp	late

	.code64
tramp64:
	xorl	%eax, %eax
	movl	%eax, %ss
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%esi, %esi			# the upper half is undefined after the switch
	movq	24(%rsi), %rdi			# the CPU block
	jmp	*16(%rsi)			# apEntry in arch/amd64

	.align	8
tramp_gdt:
	.quad	0
	.quad	0x00AF9A000000FFFF		#  8: 64-bit code
	.quad	0x00CF9A000000FFFF		# 16: 32-bit code
	.quad	0x00CF92000000FFFF		# 24: data
tramp_gdtr:
	.short	. - tramp_gdt - 1
	.long	0
tramp_jump32:
	.long	0
	.short	16
tramp_jump64:
	.long	0
	.short	8
	.align	8
tramp_params:
	.long	0				#  0: CR3
	.long	0				#  4: EFER
	.long	0				#  8: CR0
	.long	0				# 12: the APIC id this is for
	.quad	0				# 16: entry point
	.quad	0				# 24: CPU block
trampoline_end:
