#!/usr/bin/env bash
# Trains on 16 GPUs of 4 machines under Slurm, and goes on by itself after its time is up: sbatch slurm.sh
#SBATCH --job-name=residua
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# Two minutes before the end srun's tasks get SIGTERM: they save, and end with 0.
#SBATCH --signal=TERM@120
set -euo pipefail

data=${DATA:?the folder of the photographs, which all machines see}
run=${RUN:-$PWD/runs/$SLURM_JOB_ID}
cd "${RESIDUA:?the folder of the clone, which all machines see}"

if [ -e "$run/config.json" ]; then
  how=(--resume "$run")
else
  how=(--data "$data" --model resnet50 --batch 64 --epochs 90 --scale-lr --out "$run")
fi
# Of Open MPI's algorithms that of Rabenseifner is the fastest for sums of some MiB over many ranks.
export OMPI_MCA_coll_libnbc_iallreduce_algorithm=3
# Open MPI's library asks Slurm by PMIx; `srun --mpi=list` tells what a cluster has. MPICH's takes --mpi=pmi2.
srun --mpi=pmix --kill-on-bad-exit=1 deno task train --distributed "${how[@]}" | tee -a "$run.log"
# A run that was stopped says how it goes on.
if tail -n 3 "$run.log" | grep -q -- --resume; then scontrol requeue "$SLURM_JOB_ID"; fi
