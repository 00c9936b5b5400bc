#!/bin/sh
# Installs Slurm's packages for `make check-slurm`, where apt-get can and this is root; else the tests skip and say why. The
# services that the packages bring are stopped again: the tests start daemons of their own.
set -u
command -v munged >/dev/null && command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v sbatch >/dev/null && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0
echo "check-slurm: installing munge slurmctld slurmd slurm-client"
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
packages="munge slurmctld slurmd slurm-client"
# shellcheck disable=SC2086 # a list of words
{
  apt-get install -y -q --no-install-recommends $packages >/dev/null 2>&1 ||
    { apt-get update -q >/dev/null 2>&1 && apt-get install -y -q --no-install-recommends $packages >/dev/null; }
} || echo "check-slurm: apt-get could not install all of: $packages" >&2
for service in slurmd slurmctld munge; do systemctl disable --now $service 2>/dev/null || service $service stop; done >/dev/null 2>&1
exit 0
