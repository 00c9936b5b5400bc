# Spack's recipe. Copy it to packages/troupe/package.py of a repository of yours (`spack repo create`), or:
#   spack repo add ... ; spack install troupe ^openmpi
from spack.package import *


class Troupe(MakefilePackage):
    """Fine-tunes image captioners by reinforcement learning: one learner and many actors, over MPI."""

    homepage = "https://example.org/troupe"
    # no release yet: from a checkout, `spack dev-build troupe@main` in its folder
    version("main", branch="main", git="file://.")

    license("Apache-2.0")

    depends_on("c", type="build")
    depends_on("gmake", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("flex", type="build")
    depends_on("mpi")
    depends_on("openblas")
    depends_on("hdf5~mpi")
    depends_on("libyaml")
    depends_on("jansson")
    depends_on("libjpeg-turbo")
    depends_on("libspng")
    depends_on("xxhash")
    depends_on("libzip")
    depends_on("libstemmer")

    def build(self, spec, prefix):
        # Spack's compiler wrapper adds -march of the target
        make("ARCH=native", "CC=cc", "HDF5_PC=hdf5", "MPICC=" + spec["mpi"].mpicc)

    def install(self, spec, prefix):
        make("install", "ARCH=native", "CC=cc", "HDF5_PC=hdf5", "MPICC=" + spec["mpi"].mpicc, "PREFIX=" + prefix)
