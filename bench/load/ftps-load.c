/*
 * The load of the benchmarks: an FTPS client in C on OpenSSL, with one thread for each connection, so that the servers are
 * what is measured and not the client. It prints one line of JSON. Every reply that is not what it should be ends it with a
 * message: a benchmark of failures is none.
 *
 *   ftps-load PORT USER PASSWORD MODE [key=value ...]
 *
 *   retr   path=/file                  fetches the file
 *   stor   path=/file size=N [each=1]  stores so many bytes; each=1 gives every file a name of its own
 *   list   path=/dir [verb=LIST]       lists the directory; first byte and whole
 *   noop   [pause=10]                  asks NOOP every pause ms
 *   login                              logs in and quits
 *   idle                               logs in on all connections and holds the sessions
 *   common: connections=1, tls=1.3 (or 1.2), resume=1, directory= (CWD behind the login), hesitate=0 (ms in front of the control
 *   connection's handshake), and how long each connection goes on: count=1 times, or until seconds=N are over
 *
 * When all connections have logged in it prints "ready" and waits for a line (idle: for the end) of its input: logins are no
 * part of what is measured, but where they are what is measured. Behind its report it waits for another one, and quits then:
 * what a session has used can be asked of the system while its process lives, and not always later.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct job {
  int port, connections, count, each, resume, version, pause_ms, hesitate_ms;
  long long size;
  double seconds;
  const char *user, *password, *mode, *path, *verb, *directory;
};

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

static SSL_CTX *context;
static int client_index;
/* All have logged in; the word to begin has come; all are done; the word to leave has come. */
static pthread_barrier_t ready, begin, done_all, end;
/* When those that go on for a time end. */
static double deadline;

/* How long a server may be silent. */
#define SILENCE_SECONDS 60
/* Threads that log in side by side for the sessions that are held. */
#define HOLDERS 8

static void die(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
  ERR_print_errors_fp(stderr);
  _exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* The newest ticket of the control connection: what most clients resume on data connections. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  struct client *client = SSL_get_ex_data(ssl, client_index);
  if (client->ssl && client->ssl != ssl) return 0;
  if (client->session) SSL_SESSION_free(client->session);
  client->session = session;
  return 1;
}

static int dial(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct timeval silence = {.tv_sec = SILENCE_SECONDS};
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect to %d: %s", port, strerror(errno));
  return fd;
}

static SSL *secure(struct client *client, int fd, int resume) {
  SSL *ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  SSL_set_ex_data(ssl, client_index, client);
  if (resume && client->session) {
    /* A copy: OpenSSL holds a session for used up as soon as its connection has brought a newer one. */
    SSL_SESSION *copy = SSL_SESSION_dup(client->session);
    if (!copy || !SSL_set_session(ssl, copy)) die("the session cannot be used");
    SSL_SESSION_free(copy);
  }
  if (SSL_connect(ssl) != 1) {
    SSL_free(ssl);
    return NULL;
  }
  return ssl;
}

/* Reads a reply with all its lines; returns its code and leaves its last line in text. */
static int reply(struct client *client, char *text, int size) {
  int first = 0;
  for (;;) {
    char *end = memchr(client->buffer, '\n', client->have);
    if (!end) {
      if (client->have == sizeof client->buffer) die("a line is too long");
      char *to = client->buffer + client->have;
      int room = sizeof client->buffer - client->have;
      int got = client->ssl ? SSL_read(client->ssl, to, room) : (int)read(client->fd, to, room);
      if (got <= 0) die("the control connection ended");
      client->have += got;
      continue;
    }
    int length = end - client->buffer + 1;
    int code = length > 3 ? atoi(client->buffer) : 0;
    int last = length > 3 && client->buffer[3] == ' ' && code >= 100 && (!first || code == first);
    if (!first) first = code;
    if (last && text) snprintf(text, size, "%.*s", length - 1, client->buffer);
    memmove(client->buffer, client->buffer + length, client->have - length);
    client->have -= length;
    if (last) return code;
  }
}

static void say(struct client *client, const char *format, ...) {
  char line[2048];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line - 2, format, values);
  va_end(values);
  memcpy(line + length, "\r\n", 2);
  int sent = client->ssl ? SSL_write(client->ssl, line, length + 2) : (int)write(client->fd, line, length + 2);
  if (sent != length + 2) die("the control connection does not take a command");
}

static void expect(struct client *client, int code, const char *what) {
  char text[1024] = "";
  if (reply(client, text, sizeof text) != code) die("%s: %s", what, text);
}

static void login(struct client *client) {
  const struct job *job = client->job;
  client->have = 0;
  client->ssl = NULL;
  client->fd = dial(job->port);
  expect(client, 220, "greeting");
  say(client, "AUTH TLS");
  expect(client, 234, "AUTH TLS");
  if (job->hesitate_ms) usleep(job->hesitate_ms * 1000);
  client->ssl = secure(client, client->fd, 0);
  if (!client->ssl) die("the TLS handshake of the control connection failed");
  say(client, "USER %s", job->user);
  char text[1024] = "";
  int code = reply(client, text, sizeof text);
  if (code == 331) {
    say(client, "PASS %s", job->password);
    code = reply(client, text, sizeof text);
  }
  if (code != 230) die("login: %s", text);
  if (strcmp(job->mode, "login") == 0 || strcmp(job->mode, "noop") == 0 || strcmp(job->mode, "idle") == 0) return;
  say(client, "PBSZ 0");
  expect(client, 200, "PBSZ");
  say(client, "PROT P");
  expect(client, 200, "PROT P");
  say(client, "TYPE I");
  expect(client, 200, "TYPE I");
  if (!*job->directory) return;
  say(client, "CWD %s", job->directory);
  expect(client, 250, "CWD");
}

static void leave(struct client *client) {
  say(client, "QUIT");
  expect(client, 221, "QUIT");
  SSL_free(client->ssl);
  close(client->fd);
  if (client->session) SSL_SESSION_free(client->session);
  client->session = NULL;
}

static int passive(struct client *client) {
  char text[1024] = "";
  int port = 0;
  say(client, "EPSV");
  if (reply(client, text, sizeof text) != 229) die("EPSV: %s", text);
  char *at = strstr(text, "(|||");
  if (!at || sscanf(at, "(|||%d|)", &port) != 1) die("EPSV: %s", text);
  return port;
}

static void begun(struct client *client, const char *what) {
  char text[1024] = "";
  int code = reply(client, text, sizeof text);
  if (code != 150 && code != 125) die("%s: %s", what, text);
}

/* Opens the data connection for a command that has been sent. Its handshake goes on beside 150, as with curl. */
static SSL *data(struct client *client, int fd, const char *what) {
  SSL *ssl = secure(client, fd, client->job->resume);
  if (!ssl) {
    /* Why is in the reply that was not waited for, when there is one. */
    char text[1024] = "";
    int code = reply(client, text, sizeof text);
    if (code < 200) reply(client, text, sizeof text);
    die("%s: the TLS handshake of the data connection failed: %s", what, text);
  }
  client->resumed += SSL_session_reused(ssl);
  begun(client, what);
  return ssl;
}

static void done(struct client *client, SSL *ssl, int fd, const char *what) {
  SSL_free(ssl);
  close(fd);
  expect(client, 226, what);
}

static void fetch(struct client *client, const char *verb, const char *path, char *room, int size) {
  double start = now();
  int fd = dial(passive(client)), got;
  say(client, "%s %s", verb, path);
  SSL *ssl = data(client, fd, verb);
  client->first = 0;
  while ((got = SSL_read(ssl, room, size)) > 0) {
    if (client->first == 0) client->first = now() - start;
    client->bytes += got;
  }
  /* An end without close_notify is one as well, since not all servers send it; who runs this compares the bytes. */
  if (SSL_get_error(ssl, got) != SSL_ERROR_ZERO_RETURN) die("%s %s: the data broke off", verb, path);
  SSL_shutdown(ssl);
  done(client, ssl, fd, verb);
}

static void store(struct client *client, const char *path, char *from, int size) {
  int fd = dial(passive(client));
  say(client, "STOR %s", path);
  SSL *ssl = data(client, fd, "STOR");
  for (long long left = client->job->size; left > 0;) {
    int piece = left < size ? (int)left : size;
    int sent = SSL_write(ssl, from, piece);
    if (sent <= 0) die("STOR %s: the server stopped taking data", path);
    left -= sent;
  }
  SSL_shutdown(ssl);
  /* What comes back (tickets, close_notify) is read, or closing would be a reset. */
  shutdown(fd, SHUT_WR);
  char rest[4096];
  while (SSL_read(ssl, rest, sizeof rest) > 0) continue;
  client->bytes += client->job->size;
  done(client, ssl, fd, "STOR");
}

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
  } else if (strcmp(job->mode, "login") == 0) {
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
  int logins = strcmp(job->mode, "login") == 0, size = 1 << 18;
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

static void *hold_some(void *argument) {
  struct client *clients = argument;
  for (int i = 0; i < clients->job->connections; i += HOLDERS)
    if (clients->number + i < clients->job->connections) login(&clients[i]);
  return NULL;
}

static void hold(struct client *clients, const struct job *job) {
  pthread_t threads[HOLDERS];
  int count = job->connections < HOLDERS ? job->connections : HOLDERS;
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, hold_some, &clients[i]);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  printf("ready\n");
  fflush(stdout);
  while (getchar() != EOF) continue;
  _exit(0);
}

static void await_line(void) {
  fflush(stdout);
  for (int next = getchar(); next != EOF && next != '\n'; next = getchar()) continue;
}

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int ascending(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return left < right ? -1 : left > right;
}

static void report(struct client *clients, const struct job *job, double seconds, double cpu) {
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
      .version = strcmp(option(count, words, "tls", "1.3"), "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION,
  };
  signal(SIGPIPE, SIG_IGN);
  client_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, job.version);
  SSL_CTX_set_max_proto_version(context, job.version);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, on_session);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
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
