/* What a run came to. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int ascending(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return left < right ? -1 : left > right;
}

void report(const struct client *clients, const struct job *job, double seconds, double cpu) {
  long long bytes = 0, files = 0, resumed = 0;
  for (int i = 0; i < job->connections; i++) {
    bytes += clients[i].bytes;
    files += clients[i].files;
    resumed += clients[i].resumed;
  }
  double *took = malloc(sizeof *took * (files + 1));
  long long at = 0;
  for (int i = 0; i < job->connections; i++)
    for (int k = 0; k < clients[i].files; k++) took[at++] = clients[i].took[k];
  qsort(took, files, sizeof *took, ascending);
  printf("{\"seconds\":%.6f,\"bytes\":%lld,\"operations\":%lld,\"resumed\":%lld,\"p50\":%.6f,\"p99\":%.6f,\"first\":%.6f,\"clientCpu\":%.3f}\n",
         seconds, bytes, files, resumed, files ? took[files / 2] : 0, files ? took[(long long)(files * 0.99)] : 0,
         clients[0].first, cpu);
}
