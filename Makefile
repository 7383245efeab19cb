# SPDX-License-Identifier: GPL-2.0
#
# For people; what kbuild reads is in Kbuild. Without KDIR everything is built
# for Debian's newest 7.x kernel, in an environment that tools/ prepares by
# itself; with KDIR=... for that kernel, by its own build system.

ifdef KDIR
KDIR_OUT := $(CURDIR)/build/kdir
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR) MO=$(KDIR_OUT)
endif

.PHONY: all demo test test-debug test-kcsan bench lint fmt doc install clean distclean help

ifdef KDIR
all:
	tools/probe $(KDIR)
	mkdir -p $(KDIR_OUT)
	+$(kbuild) modules
	cp $(KDIR_OUT)/rsbac_mem.ko rsbac_mem.ko

install: all
	+$(kbuild) modules_install
	$(if $(INSTALL_MOD_PATH),,depmod $(notdir $(patsubst %/,%,$(dir $(realpath $(KDIR))))))

clean:
	rm -rf $(KDIR_OUT) rsbac_mem.ko
else
all:
	tools/kmake .

install:
	@echo "say which kernel to install for: make KDIR=/lib/modules/\$$(uname -r)/build install" >&2; exit 1

clean:
	tools/clean
endif

demo:
	samples/demo.sh

# SUITES names some of the suites; all of them otherwise.
test:
	tests/run $(SUITES)

test-debug:
	tests/run --kernel debug $(SUITES)

# Races are looked for where CPUs meet.
test-kcsan:
	tests/run --kernel kcsan $(or $(SUITES),net rkmem pmalloc.plain kmem vmm.plain)

bench:
	benches/run

lint:
	tools/lint

fmt:
	tools/env run bash -c 'find . \( -name .git -o -name build \) -prune -o -name "*.rs" -print0 | xargs -0 rustfmt'

doc:
	tools/doc

distclean: clean
	tools/env clean

help:
	@echo 'make demo        boot a stock kernel, load the module and the samples, show what they do'
	@echo 'make test        the test suites on that kernel'
	@echo 'make test-debug  the same on a kernel with KASAN, lockdep, kmemleak and fault injection'
	@echo 'make test-kcsan  and on one that sees data races'
	@echo 'make bench       measure; tables and JSON'
	@echo 'make lint        formatting, compiler warnings, style, documentation, prototypes'
	@echo 'make fmt         format the Rust sources in place'
	@echo 'make doc         rustdoc of the module, in build/doc'
	@echo 'make             build rsbac_mem.ko for the stock kernel'
	@echo 'make KDIR=DIR    build it for the kernel whose build folder is DIR'
	@echo 'make KDIR=DIR install   ... and install it for that kernel'
	@echo 'make clean       delete what was built; the prepared environment stays'
	@echo 'make distclean   delete the environment and the kernels as well'
	@echo
	@tools/env status
