# Finds the libraries, and names the package of a missing one. Included by the Makefile for every target that compiles.

# $(call package,pkg-config name) -> "apt name / dnf name"
package_openblas := libopenblas-dev / openblas-devel
package_yaml-0.1 := libyaml-dev / libyaml-devel
package_jansson := libjansson-dev / jansson-devel
package_libturbojpeg := libturbojpeg0-dev / turbojpeg-devel
package_spng := libspng-dev / libspng-devel
package_libxxhash := libxxhash-dev / xxhash-devel
package_libzip := libzip-dev / libzip-devel

ifeq ($(shell command -v pkg-config),)
$(error pkg-config is missing: install pkg-config / pkgconf-pkg-config (apt / dnf), or run deploy/install-deps.sh)
endif
$(foreach p,$(PACKAGES),$(if $(shell pkg-config --exists $(p) && echo yes),,\
  $(error library $(p) is missing: install $(package_$(p)) (apt / dnf), or run deploy/install-deps.sh)))
# Debian names the serial build hdf5-serial; its plain hdf5 may be the one that needs mpi.h
HDF5_PC ?= $(shell for p in hdf5-serial hdf5; do pkg-config --exists $$p && echo $$p && break; done)
HDF5_PC := $(HDF5_PC)
ifeq ($(HDF5_PC),)
$(error library hdf5 is missing: install libhdf5-dev / hdf5-devel (apt / dnf), or run deploy/install-deps.sh)
endif
# Fedora and its kin keep Open MPI off the PATH
MPICC ?= $(or $(shell command -v mpicc),$(firstword $(wildcard /usr/lib64/openmpi/bin/mpicc /usr/lib64/mpich/bin/mpicc)),mpicc)
MPICC := $(MPICC)
ifeq ($(shell command -v $(MPICC)),)
$(error $(MPICC) is missing: install libopenmpi-dev / openmpi-devel (apt / dnf), or run deploy/install-deps.sh)
endif
ifeq ($(shell command -v flex),)
$(error flex is missing: install flex / flex (apt / dnf), or run deploy/install-deps.sh)
endif

# libstemmer has no pkg-config file
ifeq ($(shell $(CC) $(CPPFLAGS) -E -include libstemmer.h -x c /dev/null >/dev/null 2>&1 && echo yes),)
$(error library libstemmer is missing: install libstemmer-dev / libstemmer-devel (apt / dnf), or run deploy/install-deps.sh)
endif

# -isystem: other people's headers are not held to our warnings
system_cflags = $(patsubst -I%,-isystem %,$(1))
LIBRARY_CFLAGS := $(call system_cflags,$(shell pkg-config --cflags $(PACKAGES) $(HDF5_PC)))
LIBRARY_LIBS := $(shell pkg-config --libs $(PACKAGES) $(HDF5_PC)) -lstemmer
# Open MPI says --showme, MPICH says -compile_info
MPI_CFLAGS := $(call system_cflags,$(shell $(MPICC) --showme:compile 2>/dev/null || $(MPICC) -compile_info | cut -d' ' -f2-))
MPI_LIBS := $(shell $(MPICC) --showme:link 2>/dev/null || $(MPICC) -link_info | cut -d' ' -f2-)
