/** What is known of a TLS connection once its handshake is over. */

/** What was negotiated on a TLS connection. */
export interface TlsFacts {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly version: string;
  /** IANA name of the cipher suite. */
  readonly suite: string;
  /**
   * IANA name of the group in which the keys were agreed on, such as `X25519MLKEM768` or `x25519`; absent when it is not
   * known. A session that is resumed in TLS 1.2 has that of the handshake that began it.
   */
  readonly group?: string;
  /** Whether an earlier session was resumed. */
  readonly resumed: boolean;
  /** The name that the client asked for (SNI), in small letters; absent when it named none. */
  readonly serverName?: string;
  /** The client's certificate, when it showed one and a trusted authority had issued it. */
  readonly clientCertificate?: ClientCertificate;
}

/** A client certificate that was verified in the TLS handshake of the control channel. */
export interface ClientCertificate {
  /** SHA-256 of the whole certificate, as 64 small hexadecimal digits. */
  readonly fingerprint: string;
  /** SHA-256 of its public key (SubjectPublicKeyInfo), as 64 small hexadecimal digits. */
  readonly publicKeyFingerprint: string;
  /** Common name of the subject; undefined when it has none, or several. */
  readonly commonName: string | undefined;
  /** The subject's alternative names: `email:a@b.example`, `dns:host.example`, `uri:urn:x`. */
  readonly alternativeNames: readonly string[];
  /** The issuer's distinguished name, one line. */
  readonly issuer: string;
  readonly serialNumber: string;
  /** Milliseconds since 1970 (UTC). */
  readonly validToMs: number;
}
