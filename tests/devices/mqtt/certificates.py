"""An authority for tests: certificates by common name, valid now or not, for clients or for a broker."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """Where a certificate and its key are."""

    certificate: Path
    key: Path

    @property
    def options(self) -> tuple[str, ...]:
        """As the mosquitto clients want it."""
        return ("--cert", str(self.certificate), "--key", str(self.key))


class Authority:
    """Issues certificates into a folder; its own is `file`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._issued = folder, 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        ca = x509.BasicConstraints(ca=True, path_length=0)
        now = datetime.now(UTC)
        self.file = folder / f"{name}.pem"
        self._sign(self.file, self._certificate(self._name, self._key, now).add_extension(ca, critical=True))

    def issue(self, name: str, *, at: datetime | None = None, server: bool = False) -> Issued:
        """A day's certificate from `at` (now) for a client of this name, or for a broker on 127.0.0.1."""
        self._issued += 1
        stem = self._folder / f"{self.file.stem}-{self._issued}"
        issued = Issued(stem.with_suffix(".crt"), stem.with_suffix(".key"))
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        builder = self._certificate(subject, key, at or datetime.now(UTC)).add_extension(here, critical=False)
        self._sign(issued.certificate, builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False))
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        issued.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        return issued

    def revoke(self, issued: Issued, file: Path) -> None:
        """Write the list of what is revoked: this one."""
        certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
        now = datetime.now(UTC)
        revoked = (
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(now)
            .build()
        )
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._name).last_update(now)
        signed = (
            builder.next_update(now + DAY).add_revoked_certificate(revoked).sign(self._key, hashes.SHA256())
        )
        file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, at: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - timedelta(hours=1))
            .not_valid_after(at + DAY)
        )

    def _sign(self, file: Path, builder: x509.CertificateBuilder) -> None:
        certificate = builder.sign(self._key, hashes.SHA256())
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
