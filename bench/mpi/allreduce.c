/* The least that a sum over ranks takes here: MPI_Allreduce in place in a plain loop. Prints the fastest of some rounds. */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int rank, rounds = atoi(argv[1]);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int k = 2; k < argc; k++) {
    int count = atoi(argv[k]);
    float *values = calloc(count, sizeof(float));
    double least = 1e9;
    for (int round = 0; round < rounds; round++) {
      MPI_Barrier(MPI_COMM_WORLD);
      double start = MPI_Wtime();
      MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      double seconds = MPI_Wtime() - start;
      if (seconds < least) least = seconds;
    }
    if (rank == 0) printf("%d %.9f\n", count, least);
    free(values);
  }
  MPI_Finalize();
  return 0;
}
