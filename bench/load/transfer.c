/* Data connections: what is fetched, listed and stored. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/*
 * Otherwise each record of 16 KiB takes two system calls, and a download 10 to 30 % more of the client's CPU. Control connections stay as
 * they are: thousands of them are held.
 */
static void read_ahead(SSL *ssl, int size) {
  SSL_set_read_ahead(ssl, 1);
  SSL_set_default_read_buffer_len(ssl, size);
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

void fetch(struct client *client, const char *verb, const char *path, char *room, int size) {
  double start = now();
  int fd = dial(passive(client)), got;
  say(client, "%s %s", verb, path);
  SSL *ssl = data(client, fd, verb);
  read_ahead(ssl, size);
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

void store(struct client *client, const char *path, const char *from, int size) {
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
