# Exo's verbs. `make help` lists them.

GO      ?= go
BUILD   := build
IMAGE   := $(BUILD)/exo.img
INITRD  := $(BUILD)/initramfs.cpio
ISO     := $(BUILD)/exo.iso
GDBSOCK ?= $(BUILD)/gdb.sock
FILES   ?= initramfs

# What `make qemu` understands; empty means the default.
CPUS       ?=
MEM        ?=
TOPO       ?=
ACCEL      ?=
TESTS      ?=
BENCH      ?=
APPEND     ?=
DISK       ?=
QEMU_EXTRA ?=
ICOUNT     ?=
# auto installs what the host lacks, check only says what is missing, none does not look.
DEPS       ?= auto

# Whose tests start goroutines, the longest first: a test of internal/tsan sees that none is missing. With the tag, operations on atomic words yield in some.
RACED    := ./qemu ./internal/hostdisk ./internal/hostload ./internal/tsan ./kernel/bpf ./kernel/cap ./kernel/env ./kernel/fs/... ./kernel/ktest ./kernel/mm/... ./kernel/numa ./kernel/sched/... ./kernel/sync ./kernel/virtio ./libos/disk ./libos/pipe ./libos/rpc ./tools/schedsim ./tools/verify
EXPLORED := ./kernel/cap ./kernel/fs/... ./kernel/mm/... ./kernel/numa ./kernel/sched/... ./kernel/sync/...

# What only a host runs: rings 0 and 3 have callers that this build does not see.
HOSTED   := ^exo/(docs|internal|qemu|tools)

words   := $(strip $(if $(TESTS),tests=$(TESTS)) $(if $(BENCH),bench=$(BENCH)) $(APPEND))
machine := -topo '$(TOPO)' -cpus '$(CPUS)' -mem '$(MEM)' -accel '$(ACCEL)' -icount='$(ICOUNT)' -disk '$(filter-out none,$(DISK))' -extra '$(QEMU_EXTRA)'
run     := $(GO) run ./qemu/exo-run $(machine)
comma   := ,

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help build qemu test torture cuts bench steps bench-peers bench-host iso qemu-iso qemu-gdb gdb lint locks pictures figures figures-bench mutants verify fuzz test-toolchains clean deps-qemu deps-test deps-iso deps-peers deps-verify

help: ## list these verbs
	@echo 'make VERB [VARIABLE=value …]'
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 14
	@echo
	@echo 'variables of qemu, bench and qemu-gdb:'
	@echo '  TOPO=NAME      a machine from qemu/topologies, or a path to such a file (default dual)'
	@echo '  CPUS=N MEM=M   so many CPUs and so much memory, on one node'
	@echo '  ICOUNT=1       one CPU, whose clock counts instructions'
	@echo '  ACCEL=A        auto, tcg or kvm (auto: KVM where it is real)'
	@echo '  TESTS=GLOB,…   which in-kernel tests to run: all, none or globs (default all)'
	@echo '  BENCH=GLOB,…   which benchmarks to run'
	@echo '  APPEND=WORDS   more words for the kernel: exit, seed=N, torture=TIME, ops=N, rt=rm, crash=KIND@CPU, mute=APICID'
	@echo '  DISK=FILE      a virtio disk with the contents of that file, made if it is not there; none: files are in memory (default)'
	@echo '  QEMU_EXTRA=…   more arguments for QEMU'
	@echo 'everywhere:'
	@echo '  DEPS=check     only say which packages are missing; DEPS=none: do not look'
	@echo '  EXO_TIME_SCALE=X  in the environment: stretch every time limit, for slow machines'

build: deps-qemu ## the kernel image, the programs of user/, and the initramfs (of FILES=folder and those)
	@$(GO) run ./tools/mkimage kernel -o $(IMAGE)
	@$(GO) run ./tools/mkimage user -o $(BUILD)/root -all user
	@cp README.md $(BUILD)/root/README
	@$(GO) run ./tools/mkimage initramfs -o $(INITRD) '$(FILES)' $(BUILD)/root

qemu: build disk ## boot in QEMU and run the in-kernel tests; APPEND=exit ends with status 0 or 1 by them
	@$(run) -append '$(words)'

.PHONY: disk
disk:
	@test -z '$(filter-out none,$(DISK))' -o -e '$(DISK)' || $(GO) run ./tools/mkimage disk new '$(DISK)'

test: deps-test build lint ## everything that can fail, race detector on: what CI runs
	@$(GO) run ./tools/mkimage iso -o $(ISO) -append exit
	$(GO) test -vet=off -count=1 -timeout 40m ./tools/... $$($(GO) list ./... | grep -v -e /qemu$$ -e /tools/)
	$(GO) test -vet=off -race -tags explore -skip 'Explore|^TestFsck_' -count=1 -timeout 40m $(RACED)
	$(GO) test -vet=off -tags explore -run 'Explore|^TestHistory_' -count=1 -timeout 40m $(EXPLORED)

torture: build ## torture tests and the fuzzer of calls, each for T (1m, or 10m, 2h, 30s) on CPUS (4) or TOPO; TESTS=GLOB,… selects; then `make cuts`
	@$(GO) run ./qemu/exo-run -topo '$(TOPO)' -cpus '$(or $(CPUS),$(if $(TOPO),,4))' -mem '$(MEM)' -accel '$(ACCEL)' \
		-extra '$(QEMU_EXTRA)' -silence 1m -limit 0 -append 'tests=$(or $(TESTS),torture/*$(comma)fuzz/*) torture=$(or $(T),1m) exit $(APPEND)'
	@test -n '$(TESTS)' || $(MAKE) -s cuts

cuts: build ## kill machines that write files, CUTS times (1000), and see that all is there that was synced; boot with 100 broken disks
	EXO_CUTS=$(or $(CUTS),1000) EXO_BROKENBOOTS=100 $(GO) test -vet=off -count=1 -timeout 0 -run '^(TestPowerCut|TestBroken.*)$$' -v ./qemu

bench: build ## benchmarks in instructions, each beside its baseline, and the primitives of ring 3 beside Linux and xv6 (BENCH=GLOB,… selects)
	@$(GO) run ./qemu/exo-run -icount=1 -mem '$(MEM)' -extra '$(QEMU_EXTRA)' -bench -append 'tests=none bench=$(or $(BENCH),*) $(if $(BENCH),,run=bench) exit $(APPEND)'

steps: build ## one round of a benchmark of ring 3, its instructions by function (BENCH=NAME, default ipc/call-reply)
	@$(GO) run ./tools/steps '$(or $(BENCH),ipc/call-reply)'

bench-peers: deps-peers ## kernel/sync beside liburcu and Concurrency Kit, and bench-host's, on this host (RUN=REGEXP, RUNS=N, MD=FILE, STRICT=1)
	@GOAMD64=v1 CGO_ENABLED=0 $(GO) run ./tools/peers -run '$(or $(RUN),.)' -n $(or $(RUNS),15) -md '$(MD)' -strict=$(if $(STRICT),true,false)

bench-host: ## the frame allocator beside a buddy allocator with a lock, on this host, in ns and locked instructions (RUNS=N, MD=FILE)
	@GOAMD64=v1 CGO_ENABLED=0 $(GO) run ./tools/peers -run '^frames' -n $(or $(RUNS),15) -md '$(MD)'

iso: deps-iso build ## a CD image that GRUB boots (multiboot 2)
	@$(GO) run ./tools/mkimage iso -o $(ISO) -append '$(words)'
	@echo 'made $(ISO); make qemu-iso boots it'

qemu-iso: iso ## boot that image in QEMU
	@$(run) -iso $(ISO)

qemu-gdb: build ## boot, waiting for a debugger: run `make gdb` in another terminal
	@$(run) -gdb $(GDBSOCK) -append '$(words)'

gdb: ## attach gdb to a waiting `make qemu-gdb`
	@gdb -q -ex 'set substitute-path exo .' -ex 'file $(BUILD)/kernel.elf' -ex 'target remote $(GDBSOCK)'

lint: ## formatting and static checks, ring 0 included; layers, lengths, guarantees
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'lint: run gofmt -w on these files' >&2; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags explore ./kernel/...
	$(GO) tool staticcheck ./...
	@dead=$$($(GO) tool deadcode -test -filter '$(HOSTED)' ./...) || exit 1; test -z "$$dead" || { echo "$$dead"; echo 'lint: nothing calls these' >&2; exit 1; }
	@$(GO) run ./tools/mkimage vet
	@$(GO) run ./tools/locks check
	@$(GO) run ./tools/house

locks: ## inventory of all locks; draws docs/lock-order.svg
	@$(GO) run ./tools/locks list
	@$(GO) run ./tools/locks draw

# Machines of 1 to 64 CPUs, with two nodes where each can have two CPUs.
pictures: build ## draw the pictures of docs/sync, node memory of four nodes at boot, and fork-join work on 1 to 64 CPUs
	@$(GO) run ./qemu/exo-run -topo quad-ring -append 'tests=none exit' >$(BUILD)/boot.txt 2>&1 || { cat $(BUILD)/boot.txt; exit 1; }
	@(for n in 1 2 4 8 16 32 64; do \
		nodes=; half=$$((n / 2)); \
		test $$n -lt 4 || nodes="-object memory-backend-ram,id=a,size=256M -numa node,cpus=0-$$((half - 1)),memdev=a \
			-object memory-backend-ram,id=b,size=256M -numa node,cpus=$$half-$$((n - 1)),memdev=b"; \
		$(GO) run ./qemu/exo-run -cpus $$n -extra "$$nodes" -append 'tests=work/fork-join* torture=1m exit' || exit 1; \
	done) >$(BUILD)/work.txt 2>&1 || { cat $(BUILD)/work.txt; exit 1; }
	@$(GO) run ./tools/pictures -boot $(BUILD)/boot.txt -work $(BUILD)/work.txt

figures-bench: build ## measure instructions alone, and put them into docs
	@mkdir -p $(BUILD)
	@$(MAKE) -s bench BENCH= APPEND= >$(BUILD)/bench.txt || { cat $(BUILD)/bench.txt; exit 1; }
	@$(GO) run ./tools/figures -bench $(BUILD)/bench.txt -peers ''

figures: ## measure (bench, bench-peers), and put the figures into docs (RUNS=N)
	@mkdir -p $(BUILD)
	@$(MAKE) -s bench BENCH= APPEND= >$(BUILD)/bench.txt || { cat $(BUILD)/bench.txt; exit 1; }
	@$(MAKE) -s bench-peers RUN= MD=$(BUILD)/peers.md
	@$(GO) run ./tools/figures -bench $(BUILD)/bench.txt -peers $(BUILD)/peers.md

mutants: deps-test ## break the code on purpose in many ways and see each noticed (RUN=REGEXP selects)
	@$(GO) run ./tools/mutants -run '$(or $(RUN),.)'

test-toolchains: deps-test ## build and boot with each Go of the version in go.mod, and the newest, which are fetched (VERSIONS='go1.26.1 …')
	@$(GO) run ./tools/toolchains $(VERSIONS)

verify: deps-verify ## have SPIN go through every state of the models of kernel/sync, and see each fault in them found (RUN=REGEXP)
	@$(GO) run ./tools/verify -run '$(or $(RUN),.)'

fuzz: ## fuzz each parser for FUZZTIME (default 30s)
	@for p in ./arch/amd64/acpi ./boot/multiboot ./kernel/initramfs ./kernel/cmdline ./kernel/symtab ./kernel/cap ./kernel/bpf ./kernel/virtio ./kernel/fs ./user/sh/parse ./user/sh/line ./user/box/match ./user/box/edit ./libos/rpc; do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep ^Fuzz); do \
			$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(or $(FUZZTIME),30s) $$p || exit 1; \
		done; \
	done

clean: ## remove everything that was built
	rm -rf $(BUILD)

deps-qemu:
	@DEPS=$(DEPS) tools/deps.sh qemu binutils

deps-test:
	@DEPS=$(DEPS) tools/deps.sh qemu binutils gcc gdb grub xorriso mtools

deps-iso:
	@DEPS=$(DEPS) tools/deps.sh binutils grub xorriso mtools

deps-peers:
	@DEPS=$(DEPS) tools/deps.sh gcc liburcu ck

deps-verify:
	@DEPS=$(DEPS) tools/deps.sh gcc spin
