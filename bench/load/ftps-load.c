/*
 * The load of the benchmarks: an FTPS client in C on OpenSSL, with one thread for each connection, so that the servers are
 * what is measured and not the client. The other files of this folder are its parts; `load.h` tells what is where. It prints one line of JSON. Every reply that is not what it should be ends it with a
 * message: a benchmark of failures is none.
 *
 *   ftps-load PORT USER PASSWORD MODE [key=value ...]
 *
 *   retr   path=/file                  fetches the file
 *   stor   path=/file size=N [each=1]  stores so many bytes; each=1 gives every file a name of its own
 *   list   path=/dir [verb=LIST]       lists the directory; first byte and whole
 *   noop   [pause=10]                  asks NOOP every pause ms
 *   login                              logs in and quits
 *   guess                              tries to log in with another password, is refused and hangs up
 *   idle                               logs in on all connections and holds the sessions
 *   common: connections=1, tls=1.3 (or 1.2), resume=1, directory= (CWD behind the login), hesitate=0 (ms in front of the control
 *   connection's handshake), and how long each connection goes on: count=1 times, or until seconds=N are over
 *
 * When all connections have logged in it prints "ready" and waits for a line (idle: for the end) of its input: logins are no
 * part of what is measured, but where they are what is measured. Behind its report it waits for another one, and quits then:
 * what a session has used can be asked of the system while its process lives, and not always later.
 */
#include "load.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* All have logged in; the word to begin has come; all are done; the word to leave has come. */
static pthread_barrier_t ready, begin, done_all, end;
/* When those that go on for a time end. */
static double deadline;

static int more(const struct client *client) {
  const struct job *job = client->job;
  return job->seconds > 0 ? now() < deadline : client->files < job->count;
}

static void took(struct client *client, double seconds) {
  if (client->files == client->room) {
    client->room = client->room ? 2 * client->room : 64;
    client->took = realloc(client->took, client->room * sizeof *client->took);
    if (!client->took) die("no memory");
  }
  client->took[client->files++] = seconds;
}

static void act(struct client *client, char *room, int size) {
  const struct job *job = client->job;
  char path[1024];
  if (strcmp(job->mode, "retr") == 0) {
    fetch(client, "RETR", job->path, room, size);
  } else if (strcmp(job->mode, "list") == 0) {
    fetch(client, job->verb, job->path, room, size);
  } else if (strcmp(job->mode, "noop") == 0) {
    say(client, "NOOP");
    expect(client, 200, "NOOP");
  } else if (strcmp(job->mode, "login") == 0 || job->guesses) {
    login(client);
  } else if (strcmp(job->mode, "stor") == 0) {
    if (job->each) snprintf(path, sizeof path, "%s.%d.%lld", job->path, client->number, client->files);
    else snprintf(path, sizeof path, "%s.%d", job->path, client->number);
    store(client, path, room, size);
  } else {
    die("%s is no mode", job->mode);
  }
}

static void *run(void *argument) {
  struct client *client = argument;
  const struct job *job = client->job;
  int logins = strcmp(job->mode, "login") == 0 || job->guesses, size = 1 << 18;
  char *room = malloc(size);
  if (!room) die("no memory");
  for (int i = 0; i < size; i++) room[i] = (char)(i * 31 + (i >> 8));
  if (!logins) login(client);
  pthread_barrier_wait(&ready);
  pthread_barrier_wait(&begin);
  while (more(client)) {
    if (strcmp(job->mode, "noop") == 0) usleep(job->pause_ms * 1000);
    double start = now();
    act(client, room, size);
    took(client, now() - start);
    if (logins) leave(client);
  }
  pthread_barrier_wait(&done_all);
  pthread_barrier_wait(&end);
  if (!logins) leave(client);
  free(room);
  return NULL;
}

static void await_line(void) {
  fflush(stdout);
  for (int next = getchar(); next != EOF && next != '\n'; next = getchar()) continue;
}

static const char *option(int count, char **words, const char *key, const char *otherwise) {
  size_t length = strlen(key);
  for (int i = 5; i < count; i++)
    if (strncmp(words[i], key, length) == 0 && words[i][length] == '=') return words[i] + length + 1;
  return otherwise;
}

int main(int count, char **words) {
  if (count < 5) die("usage: ftps-load PORT USER PASSWORD MODE [key=value ...]");
#define NUMBER(key, otherwise) atoll(option(count, words, key, otherwise))
  struct job job = {
      .port = atoi(words[1]), .user = words[2], .password = words[3], .mode = words[4],
      .connections = NUMBER("connections", "1"), .count = NUMBER("count", "1"), .each = NUMBER("each", "0"),
      .resume = NUMBER("resume", "1"), .size = NUMBER("size", "1024"),
      .pause_ms = NUMBER("pause", "10"), .hesitate_ms = NUMBER("hesitate", "0"),
      .seconds = atof(option(count, words, "seconds", "0")),
      .path = option(count, words, "path", "/file"), .verb = option(count, words, "verb", "LIST"),
      .directory = option(count, words, "directory", ""),
      .guesses = strcmp(words[4], "guess") == 0,
      .version = strcmp(option(count, words, "tls", "1.3"), "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION,
  };
  signal(SIGPIPE, SIG_IGN);
  /* Thousands of sessions take a file each. */
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  prepare_tls(job.version);
  struct client *clients = calloc(job.connections, sizeof *clients);
  for (int i = 0; i < job.connections; i++) {
    clients[i].job = &job;
    clients[i].number = i;
  }
  if (strcmp(job.mode, "idle") == 0) hold(clients, &job);
  pthread_t *threads = calloc(job.connections, sizeof *threads);
  pthread_barrier_t *barriers[] = {&ready, &begin, &done_all, &end};
  for (int i = 0; i < 4; i++) pthread_barrier_init(barriers[i], NULL, job.connections + 1);
  for (int i = 0; i < job.connections; i++) pthread_create(&threads[i], NULL, run, &clients[i]);
  pthread_barrier_wait(&ready);
  printf("ready\n");
  await_line();
  double start = now(), cpu = cpu_seconds();
  deadline = start + job.seconds;
  pthread_barrier_wait(&begin);
  pthread_barrier_wait(&done_all);
  report(clients, &job, now() - start, cpu_seconds() - cpu);
  await_line();
  pthread_barrier_wait(&end);
  for (int i = 0; i < job.connections; i++) pthread_join(threads[i], NULL);
  return 0;
}
