/** A command line taken apart, and the lines that no FTP client sends. */

/** A verb in capitals and what was typed behind it; the argument is empty when there is none. */
export interface CommandLine {
  readonly verb: string;
  readonly argument: string;
}

/**
 * Takes a line apart: a verb of 1 to 12 ASCII letters and, behind the first one, digits (XMD5), then its end or one
 * space and the argument. Every space behind that one belongs to the argument, as names of files may begin and end with
 * spaces (RFC 2640 section 3.1).
 *
 * @returns undefined when the line does not begin with a verb; a space in front of it is not tolerated.
 */
export function parseCommandLine(text: string): CommandLine | undefined {
  const match = /^([A-Za-z][A-Za-z0-9]{0,11})(?: (.*))?$/s.exec(text);
  if (match?.[1] === undefined) return undefined;
  return { verb: match[1].toUpperCase(), argument: match[2] ?? '' };
}

/** The methods of HTTP, none of which is a verb of FTP. `PRI` opens HTTP/2. */
const HTTP_METHOD = /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) /i;
/** A request line of any method, WebDAV's and those to come. */
const HTTP_REQUEST = /^[A-Z]+ \S+ HTTP\/\d(?:\.\d)?$/i;
/** The name of a header field and its colon; a verb of FTP is followed by a space or by nothing. */
const HTTP_FIELD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/;

/**
 * Whether the line is the request line or a header field of HTTP. A browser that was led here sends such lines; were
 * they only refused, its request could carry FTP commands in the lines behind them (ALPACA, CVE-2021-3618).
 */
export function looksLikeHttp(text: string): boolean {
  return HTTP_METHOD.test(text) || HTTP_REQUEST.test(text) || HTTP_FIELD.test(text);
}
