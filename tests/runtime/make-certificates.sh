#!/bin/sh
# make-certificates.sh DIRECTORY: makes there, with openssl, an authority (ca.pem), another one (other-ca.pem) and certificates
# NAME.pem with their keys: good ones for a server and two clients, and bad ones. Called by tls-fixture.c.
set -eu
cd "$1"

new_key ()
{
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

# make_ca NAME SUBJECT
make_ca ()
{
  new_key "$1.key"
  openssl req -x509 -new -key "$1.key" -out "$1.pem" -subj "/CN=$2" -days 2 \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  : >"$1.index"
  cat >"$1.conf" <<END
[ca]
default_ca = this
[this]
database = $1.index
new_certs_dir = .
certificate = $1.pem
private_key = $1.key
rand_serial = yes
default_md = sha256
policy = names
unique_subject = no
[names]
commonName = supplied
END
}

now=$(date -u +%s)
at ()
{
  date -u -d "@$((now + $1))" +%Y%m%d%H%M%SZ
}

# issue NAME COMMON-NAME HOST PURPOSE FROM TO CA: times in seconds from now; makes NAME.key unless it is there
issue ()
{
  [ -f "$1.key" ] || new_key "$1.key"
  openssl req -new -key "$1.key" -out "$1.csr" -subj "/CN=$2" 2>/dev/null
  printf 'basicConstraints=%s\nextendedKeyUsage=%s\nsubjectAltName=%s\n' "$constraints" "$4" "$3" >"$1.ext"
  openssl ca -batch -notext -config "$7.conf" -in "$1.csr" -out "$1.pem" -extfile "$1.ext" \
    -startdate "$(at "$5")" -enddate "$(at "$6")" 2>/dev/null
}

constraints=CA:FALSE
here=IP:127.0.0.1,DNS:localhost
day=86400
make_ca ca "Test Authority"
make_ca other-ca "Other Authority"
issue server server $here serverAuth -$day $day ca
issue renewed renewed $here serverAuth -$day $day ca
issue alice alice DNS:alice clientAuth -$day $day ca
issue bob bob DNS:bob clientAuth -$day $day ca

issue expired expired $here serverAuth,clientAuth -$((2 * day)) -$day ca
issue early early $here serverAuth,clientAuth $day $((2 * day)) ca
issue elsewhere elsewhere DNS:elsewhere.example serverAuth -$day $day ca
issue stranger stranger $here serverAuth,clientAuth -$day $day other-ca
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak.key 2>/dev/null
issue weak weak $here serverAuth,clientAuth -$day $day ca
new_key self.key
openssl req -x509 -new -key self.key -out self.pem -subj /CN=self -days 2 -addext subjectAltName=$here
# what is signed by a certificate that is no authority's, with that behind it
cp server.pem leaf.pem
cp server.key leaf.key
sed 's/^certificate = .*/certificate = leaf.pem/; s/^private_key = .*/private_key = leaf.key/' ca.conf >leaf.conf
issue chain chain $here serverAuth,clientAuth -$day $day leaf
cat leaf.pem >>chain.pem
# behind NAME FROM TO: what an authority signs that is itself good or not, with that behind it
behind ()
{
  constraints=CA:TRUE
  issue "$1-ca" "$1-ca" $here serverAuth,clientAuth "$2" "$3" ca
  constraints=CA:FALSE
  sed "s/^certificate = .*/certificate = $1-ca.pem/; s/^private_key = .*/private_key = $1-ca.key/" ca.conf >"$1-ca.conf"
  issue "$1" "$1" $here serverAuth,clientAuth -$day $day "$1-ca"
  cat "$1-ca.pem" >>"$1.pem"
}
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out frail-ca.key 2>/dev/null
behind aged -$((2 * day)) -$day
behind frail -$day $day
behind deputy -$day $day
# each key in its certificate's file
for name in server renewed alice bob expired early elsewhere stranger weak self chain aged frail frail-ca deputy
do
  cat "$name.key" >>"$name.pem"
done
