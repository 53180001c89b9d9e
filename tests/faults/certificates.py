"""Certificates for the proxy: right ones, and ones that nobody may accept."""

import subprocess


def _openssl(*arguments, folder):
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True, timeout=60)


def authority(folder, name="ca"):
    """Makes <name>.crt and <name>.key."""
    folder.mkdir(parents=True, exist_ok=True)
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key", folder=folder)
    extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"]
    _openssl("req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN=reprise-faults-{name}", "-days", "3650", "-out", f"{name}.crt", *extensions, folder=folder)
    return folder / f"{name}.crt"


def certificate(folder, name, *, ca="ca", alternative="IP:127.0.0.1", common="127.0.0.1", expired=False):
    """(certificate, key) of a server, signed by <ca> of that folder."""
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key", folder=folder)
    _openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={common}", "-out", f"{name}.csr", folder=folder)
    lines = ["keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth"]
    if alternative:
        lines.append(f"subjectAltName={alternative}")
    (folder / f"{name}.ext").write_text("\n".join(lines) + "\n")
    if expired:  # `openssl x509` knows no past; `openssl ca` does
        (folder / f"{name}.index").write_text("")
        (folder / f"{name}.serial").write_text("1000\n")
        (folder / f"{name}.cnf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={name}.index\nserial={name}.serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
        )
        dates = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]
        signer = ["-cert", f"{ca}.crt", "-keyfile", f"{ca}.key"]
        _openssl("ca", "-batch", "-notext", "-config", f"{name}.cnf", *signer, *dates, "-in", f"{name}.csr", "-extfile", f"{name}.ext", "-out", f"{name}.crt", folder=folder)
    else:
        signer = ["-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial"]
        _openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-days", "3650", "-extfile", f"{name}.ext", "-out", f"{name}.crt", folder=folder)
    return folder / f"{name}.crt", folder / f"{name}.key"
