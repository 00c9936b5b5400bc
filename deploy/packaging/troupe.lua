-- Lmod's module file. Put it at MODULEPATH/troupe/VERSION.lua after `make install PREFIX=ROOT/troupe/VERSION`, with ROOT here:
local root = "/opt/apps"
local version = myModuleVersion()
local prefix = pathJoin(root, "troupe", version)

help([[
troupe fine-tunes image captioners by reinforcement learning, over MPI: one learner and many actors.
`troupe --help` lists the verbs, `man troupe` tells of them.
]])
whatis("Name: troupe")
whatis("Version: " .. version)
whatis("Category: machine learning, image captioning")
whatis("Description: one learner and many actors, over MPI")

conflict("troupe")
-- the MPI that it was built with
depends_on("openmpi")

prepend_path("PATH", pathJoin(prefix, "bin"))
prepend_path("MANPATH", pathJoin(prefix, "share/man"))
setenv("TROUPE_ROOT", prefix)
