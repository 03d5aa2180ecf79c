/* What the parts of the load have in common: what is asked for, one connection, and what each part does. */
#ifndef FTPS_LOAD_H
#define FTPS_LOAD_H

#include <openssl/ssl.h>

/* What is asked for on the command line. */
struct job {
  int port, connections, count, each, resume, version, pause_ms, hesitate_ms, guesses;
  long long size;
  double seconds;
  const char *user, *password, *mode, *path, *verb, *directory;
};

/* One connection, and what it has done. Only its own thread touches it. */
struct client {
  const struct job *job;
  int number, fd;
  SSL *ssl;
  SSL_SESSION *session;
  char buffer[8192];
  int have;
  long long bytes, files, resumed, room;
  double *took;
  double first;
};

/* messages.c: how a run ends early, and the time. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
double now(void);

/* control.c: connections, commands and replies. */
void prepare_tls(int version);
int dial(int port);
SSL *secure(struct client *client, int fd, int resume);
int reply(struct client *client, char *text, int size);
void say(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
void expect(struct client *client, int code, const char *what);
void login(struct client *client);
void leave(struct client *client);

/* transfer.c: what goes over data connections. `room` is the thread's own memory for bytes. */
void fetch(struct client *client, const char *verb, const char *path, char *room, int size);
void store(struct client *client, const char *path, const char *from, int size);

/* idle.c: sessions that are only held. Does not come back. */
_Noreturn void hold(struct client *clients, const struct job *job);

/* report.c: what it came to, as one line of JSON. */
double cpu_seconds(void);
void report(const struct client *clients, const struct job *job, double seconds, double cpu);

#endif
