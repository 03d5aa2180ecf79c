/* Control connections: dialling, TLS, commands and replies, login. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *context;
static int client_index;

/* How long a server may be silent. */
#define SILENCE_SECONDS 60

/* The newest ticket of the control connection: what most clients resume on data connections. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  struct client *client = SSL_get_ex_data(ssl, client_index);
  if (client->ssl && client->ssl != ssl) return 0;
  if (client->session) SSL_SESSION_free(client->session);
  client->session = session;
  return 1;
}

/* Everything about TLS that all connections share. */
void prepare_tls(int version) {
  client_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, on_session);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

int dial(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct timeval silence = {.tv_sec = SILENCE_SECONDS};
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect to %d: %s", port, strerror(errno));
  return fd;
}

SSL *secure(struct client *client, int fd, int resume) {
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
int reply(struct client *client, char *text, int size) {
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

void say(struct client *client, const char *format, ...) {
  char line[2048];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line - 2, format, values);
  va_end(values);
  memcpy(line + length, "\r\n", 2);
  int sent = client->ssl ? SSL_write(client->ssl, line, length + 2) : (int)write(client->fd, line, length + 2);
  if (sent != length + 2) die("the control connection does not take a command");
}

void expect(struct client *client, int code, const char *what) {
  char text[1024] = "";
  if (reply(client, text, sizeof text) != code) die("%s: %s", what, text);
}

void login(struct client *client) {
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
    say(client, "PASS %s%s", job->password, job->guesses ? "-guessed" : "");
    code = reply(client, text, sizeof text);
  }
  if (job->guesses && code >= 400) return;
  if (job->guesses) die("a guessed password was taken: %s", text);
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

void leave(struct client *client) {
  if (!client->job->guesses) {
    say(client, "QUIT");
    expect(client, 221, "QUIT");
  }
  SSL_free(client->ssl);
  close(client->fd);
  if (client->session) SSL_SESSION_free(client->session);
  client->session = NULL;
}
