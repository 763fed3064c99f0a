"""Tokens as PyJWT makes them, and calls with them by grpcio.

`make FOLDER` writes FOLDER/keys.json, a JSON Web Key Set with a key of every kind, and
prints a token of every algorithm as a JSON object; `call ADDRESS [TOKEN]` greets through
the gateway there and prints the answer or the status.
"""

import json
import sys
import time

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

SECRET = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


def make(folder):
    keys = {
        "rsa": (rsa.generate_private_key(65537, 2048), jwt.algorithms.RSAAlgorithm),
        "p256": (ec.generate_private_key(ec.SECP256R1()), jwt.algorithms.ECAlgorithm),
        "p384": (ec.generate_private_key(ec.SECP384R1()), jwt.algorithms.ECAlgorithm),
        "ed": (ed25519.Ed25519PrivateKey.generate(), jwt.algorithms.OKPAlgorithm),
    }
    public = []
    for kid, (key, algorithm) in keys.items():
        jwk = algorithm.to_jwk(key.public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        public.append({**jwk, "kid": kid, "use": "sig"})
    public.append({**jwt.algorithms.HMACAlgorithm.to_jwk(SECRET, as_dict=True), "kid": "oct"})
    with open(f"{folder}/keys.json", "w", encoding="utf-8") as file:
        json.dump({"keys": public}, file)

    now = int(time.time())
    claims = {"iss": "https://issuer.example", "aud": "pspd", "exp": now + 3600, "sub": "ana"}

    def token(kid, algorithm, **other):
        key = SECRET if kid == "oct" else keys[kid][0]
        return jwt.encode({**claims, **other}, key, algorithm, headers={"kid": kid})

    uses = {
        "rsa": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
        "p256": ["ES256"],
        "p384": ["ES384"],
        "ed": ["EdDSA"],
        "oct": ["HS256", "HS384", "HS512"],
    }
    tokens = {algorithm: token(kid, algorithm) for kid, all in uses.items() for algorithm in all}
    tokens["expired"] = token("p256", "ES256", exp=now - 3600)
    tokens["other-audience"] = token("p256", "ES256", aud="other")
    stranger = ec.generate_private_key(ec.SECP256R1())
    tokens["stranger"] = jwt.encode(claims, stranger, "ES256", headers={"kid": "p256"})
    tokens["unsigned"] = jwt.encode(claims, None, "none")
    print(json.dumps(tokens))


def call(address, token=None):
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(address) as channel:
        hello = channel.unary_unary("/pspd.ServiceA/SayHello")
        health = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert health(b"", timeout=20) == b"\x08\x01"
        try:
            print(hello(b"", metadata=metadata, timeout=20)[2:].decode())
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}")


if __name__ == "__main__":
    {"make": make, "call": call}[sys.argv[1]](*sys.argv[2:])
