"""Who trusts whom by TLS: an authority, a server on 127.0.0.1 and a client, for a day."""

from bed import run

TLS_PORT = 6380


def make_certificates(folder):
    """Puts ca, server and client there as NAME.crt and NAME.key; answers the folder."""
    def openssl(*words):
        run("openssl", *words, cwd=folder)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-subj", "/CN=ca", "-days", "1", "-keyout", "ca.key", "-out",
            "ca.crt")
    for name, names in (("server", "IP:127.0.0.1"), ("client", "DNS:client.test")):
        (folder / "names").write_text(f"subjectAltName={names}\n")
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
                f"{name}.csr")
        openssl("x509", "-req", "-days", "1", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey",
                "ca.key", "-CAcreateserial", "-extfile", "names", "-out", f"{name}.crt")
    return folder


def tls_options(certificates):
    """redis-server's, for clients with a certificate only."""
    return ("--tls-port", TLS_PORT, "--tls-cert-file", certificates / "server.crt",
            "--tls-key-file", certificates / "server.key",
            "--tls-ca-cert-file", certificates / "ca.crt")


def tls_settings(certificates, port=TLS_PORT):
    """The program's."""
    return [f"export.redis.url=rediss://127.0.0.1:{port}/0",
            f"export.redis.tls.ca={certificates / 'ca.crt'}",
            f"export.redis.tls.cert={certificates / 'client.crt'}",
            f"export.redis.tls.key={certificates / 'client.key'}"]
