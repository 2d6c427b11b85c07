# SPDX-License-Identifier: Apache-2.0
"""SASL and TLS against real Kafka, with Java's property names: what must work does, and what must not says why and soon."""
import pathlib
import subprocess
import time

SSL, SASL_PLAINTEXT, SASL_SSL = 100, 200, 300
MECHANISMS = {"PLAIN": "plain.Plain", "SCRAM-SHA-256": "scram.Scram", "SCRAM-SHA-512": "scram.Scram"}
PASSWORD, WRONG = "alice-secret", "not-the-password"
SOON_S = 15  # a refusal is told within this


def jaas(mechanism, user="alice", password=PASSWORD):
    module = MECHANISMS[mechanism]
    return f'org.apache.kafka.common.security.{module}LoginModule required username="{user}" password="{password}";'


def sasl(protocol, mechanism, **login):
    return [f"security.protocol={protocol}", f"sasl.mechanism={mechanism}", f"sasl.jaas.config={jaas(mechanism, **login)}"]


def other_authority(folder):
    """a CA that nobody trusts, and a client certificate of it"""
    folder.mkdir(exist_ok=True)
    run = lambda *argv: subprocess.run(argv, cwd=folder, check=True, timeout=60, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
        "-subj", "/CN=another-ca")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "client.key", "-out", "client.csr", "-subj", "/CN=client")
    run("openssl", "x509", "-req", "-in", "client.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-out", "client.pem", "-days", "30")


class Security:
    def __init__(self, kclient, cluster, checks):
        self.kclient, self.cluster, self.check = kclient, cluster, checks.check
        self.tls = cluster.dir / "tls"
        self.other = cluster.dir / "other"
        other_authority(self.other)
        store = self.tls / "client-store.pem"
        store.write_text((self.tls / "client.key").read_text() + (self.tls / "client.pem").read_text())
        self.ca = ["ssl.truststore.type=PEM", f"ssl.truststore.location={self.tls}/ca.pem"]
        self.client_pem = ["ssl.keystore.type=PEM", f"ssl.keystore.location={store}"]
        self.topics = 0

    def run(self, shift, properties, *args, stdin=None, host="127.0.0.1"):
        options = [x for p in properties for x in ("-X", p)]
        begun = time.monotonic()
        r = subprocess.run([self.kclient, *args, "-b", self.cluster.servers(shift, host), *options], input=stdin,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return r, time.monotonic() - begun

    def works(self, name, shift, properties, host="127.0.0.1"):
        """records go there and back"""
        self.topics += 1
        topic, lines = f"security-{self.topics}", b"".join(b"%d\n" % i for i in range(100))
        steps = [(["topics", "create", "-t", topic, "--partitions", "1", "-q"], None),
                 (["produce", "-t", topic], lines), (["consume", "-t", topic, "-e", "-q"], None)]
        for args, stdin in steps:
            r, _ = self.run(shift, properties, *args, stdin=stdin, host=host)
            if r.returncode != 0:
                return self.check(name, False, f"{args[0]} ended with {r.returncode}: {r.stderr}")
        return self.check(name, r.stdout == lines, f"read {r.stdout[:200]}")

    def refused(self, name, shift, properties, words, host="127.0.0.1", status=2):
        """that exit status, soon, one of the words in the message, and no password"""
        r, seconds = self.run(shift, properties, "topics", "list", host=host)
        text = r.stderr.decode()
        told = any(w.lower() in text.lower() for w in words)
        secret = PASSWORD in text or WRONG in text
        self.check(name, r.returncode == status and told and not secret and seconds < SOON_S,
                   f"status {r.returncode} after {seconds:.1f} s: {text}")

    def all_sasl(self):
        for mechanism in MECHANISMS:
            plain, secure = sasl("SASL_PLAINTEXT", mechanism), sasl("SASL_SSL", mechanism) + self.ca
            self.works(f"{mechanism}", SASL_PLAINTEXT, plain)
            self.works(f"{mechanism} over TLS", SASL_SSL, secure)
            self.refused(f"{mechanism}: wrong password", SASL_PLAINTEXT, sasl("SASL_PLAINTEXT", mechanism, password=WRONG),
                         ["SASL_AUTHENTICATION_FAILED"])
            self.refused(f"{mechanism} over TLS: unknown user", SASL_SSL,
                         sasl("SASL_SSL", mechanism, user="bob") + self.ca, ["SASL_AUTHENTICATION_FAILED"])
        self.works("sasl.username and sasl.password", SASL_PLAINTEXT,
                   ["security.protocol=SASL_PLAINTEXT", "sasl.mechanism=SCRAM-SHA-512", "sasl.username=alice",
                    f"sasl.password={PASSWORD}"])
        self.refused("SASL where the listener has none", 0, sasl("SASL_PLAINTEXT", "PLAIN"), ["SASL"])
        self.refused("no SASL where the listener wants it", SASL_PLAINTEXT, [], ["security.protocol", "SASL"])

    def all_tls(self):
        tls = ["security.protocol=SSL"]
        self.works("TLS, CA as a PEM file", SSL, tls + self.ca)
        self.works("TLS, CA in a property", SSL, tls + ["ssl.truststore.type=PEM", "ssl.truststore.certificates=" +
                                                       (self.tls / "ca.pem").read_text()])
        store = ["ssl.truststore.type=PKCS12", f"ssl.truststore.location={self.tls}/trust.p12"]
        self.works("TLS, keytool's PKCS12 truststore", SSL, tls + store + ["ssl.truststore.password=changeit"])
        self.refused("PKCS12 truststore: wrong password", SSL, tls + store + [f"ssl.truststore.password={WRONG}"], ["password"],
                     status=1)
        self.works("TLS 1.2", SSL, tls + self.ca + ["ssl.enabled.protocols=TLSv1.2"])
        self.works("TLS 1.3", SSL, tls + self.ca + ["ssl.enabled.protocols=TLSv1.3"])
        self.refused("another CA", SSL, tls + ["ssl.truststore.type=PEM", f"ssl.truststore.location={self.other}/ca.pem"],
                     ["certificate"])
        self.refused("no CA of ours", SSL, tls, ["certificate"])
        self.refused("another name than the certificate's", SSL, tls + self.ca, ["host", "name"], host="127.1")
        self.works("another name, not checked", SSL, tls + self.ca + ["ssl.endpoint.identification.algorithm="], host="127.1")
        self.refused("TLS where the listener has none", 0, tls + self.ca, ["TLS", "SSL"])
        self.refused("no TLS where the listener wants it", SSL, [], ["TLS"])

    def client_certificates(self, asked):
        """asked: the listener wants one; else it takes one"""
        tls = ["security.protocol=SSL"] + self.ca
        where = "wanted" if asked else "taken"
        self.works(f"client certificate {where}: PEM keystore", SSL, tls + self.client_pem)
        self.works(f"client certificate {where}: PKCS12 keystore", SSL,
                   tls + ["ssl.keystore.type=PKCS12", f"ssl.keystore.location={self.tls}/client.p12",
                          "ssl.keystore.password=changeit"])
        self.works(f"client certificate {where}: certificate and key files", SSL,
                   tls + [f"ssl.certificate.location={self.tls}/client.pem", f"ssl.key.location={self.tls}/client.key"])
        if asked:
            self.refused("client certificate wanted: none", SSL, tls, ["certificate"])
            self.refused("client certificate wanted: one of another CA", SSL,
                         tls + [f"ssl.certificate.location={self.other}/client.pem",
                                f"ssl.key.location={self.other}/client.key"], ["certificate", "alert"])
