/* Sessions that are only held: a thread for each of thousands would measure the machine and not the server. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

/* Threads that log in side by side. */
#define HOLDERS 8

static void *hold_some(void *argument) {
  struct client *clients = argument;
  for (int i = 0; i < clients->job->connections; i += HOLDERS)
    if (clients->number + i < clients->job->connections) login(&clients[i]);
  return NULL;
}

_Noreturn void hold(struct client *clients, const struct job *job) {
  pthread_t threads[HOLDERS];
  int count = job->connections < HOLDERS ? job->connections : HOLDERS;
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, hold_some, &clients[i]);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  printf("ready\n");
  fflush(stdout);
  while (getchar() != EOF) continue;
  _exit(0);
}
