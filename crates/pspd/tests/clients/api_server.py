"""A stand-in for the API server of a cluster, as far as kubectl asks it: discovery, objects
that are applied, read and deleted, and Deployments that become ready at once, or do not.

Prints the port. Ends with standard input. GET /_changes lists what was changed.
"""

import argparse
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

arguments = argparse.ArgumentParser()
arguments.add_argument("--version", default="v1.33.1")
arguments.add_argument("--provider", default="")
arguments.add_argument("--minikube", default="")
arguments.add_argument("--nginx", action="store_true")
arguments.add_argument("--extensions", default="", help="groups, with commas between them")
arguments.add_argument("--forbid", default="", help="resources, with commas between them")
arguments.add_argument("--pods", default="", help="what keeps pods from being ready")
arguments.add_argument("--foreign", action="store_true", help="the namespace is another's")
arguments.add_argument("--conflict", action="store_true", help="somebody changed a Deployment")
options = arguments.parse_args()

RESOURCES = {
    "v1": [
        ("namespaces", "Namespace", False),
        ("nodes", "Node", False),
        ("pods", "Pod", True),
        ("services", "Service", True),
        ("serviceaccounts", "ServiceAccount", True),
        ("secrets", "Secret", True),
        ("configmaps", "ConfigMap", True),
        ("events", "Event", True),
    ],
    "apps/v1": [("deployments", "Deployment", True)],
    "networking.k8s.io/v1": [
        ("networkpolicies", "NetworkPolicy", True),
        ("ingresses", "Ingress", True),
        ("ingressclasses", "IngressClass", False),
    ],
    "autoscaling/v2": [("horizontalpodautoscalers", "HorizontalPodAutoscaler", True)],
    "policy/v1": [("poddisruptionbudgets", "PodDisruptionBudget", True)],
}
EXTENSIONS = {
    "gateway.networking.k8s.io": [
        ("gateways", "Gateway", True),
        ("httproutes", "HTTPRoute", True),
        ("grpcroutes", "GRPCRoute", True),
    ],
    "cert-manager.io": [("issuers", "Issuer", True), ("certificates", "Certificate", True)],
    "monitoring.coreos.com": [
        ("servicemonitors", "ServiceMonitor", True),
        ("prometheusrules", "PrometheusRule", True),
    ],
    "metrics.k8s.io": [("pods", "PodMetrics", True)],
}
for group in filter(None, options.extensions.split(",")):
    RESOURCES[f"{group}/v1"] = EXTENSIONS[group]

WAITING = {
    "image": ("ErrImagePull", "not found"),
    "crash": ("CrashLoopBackOff", "back-off"),
    "secret": ("CreateContainerConfigError", 'secret "a-tls" not found'),
}

lock = threading.Lock()
objects = {}
changes = []


def put(path, value):
    value["metadata"].setdefault("uid", f"uid-{len(objects)}")
    value["metadata"].setdefault("resourceVersion", "1")
    value["metadata"].setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
    objects[path] = value


labels = {"minikube.k8s.io/name": options.minikube} if options.minikube else {}
put(
    "/api/v1/nodes/one",
    {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "one", "labels": labels},
        "spec": {"providerID": options.provider},
    },
)
if options.nginx:
    put(
        "/apis/networking.k8s.io/v1/ingressclasses/nginx",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "nginx"},
        },
    )
    put(
        "/api/v1/namespaces/ingress-nginx",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ingress-nginx"}},
    )
    put(
        "/api/v1/namespaces/ingress-nginx/pods/controller",
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "controller",
                "namespace": "ingress-nginx",
                "labels": {"app.kubernetes.io/name": "ingress-nginx"},
            },
        },
    )
if options.foreign:
    put(
        "/api/v1/namespaces/pspd",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pspd"}},
    )


def applied(path, value):
    """What the cluster makes of an object."""
    put(path, value)
    kind = value["kind"]
    if kind == "Ingress":
        value["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
    if kind == "Gateway":
        value["status"] = {"addresses": [{"value": "192.0.2.8"}]}
    if kind == "Secret":
        value.setdefault("data", {}).update(value.pop("stringData", {}))
    if kind != "Deployment":
        return
    wanted = value["spec"].setdefault("replicas", 1)
    value["metadata"]["generation"] = 1
    ready = 0 if options.pods else wanted
    value["status"] = {
        "observedGeneration": 1,
        "replicas": wanted,
        "updatedReplicas": wanted,
        "availableReplicas": ready,
    }
    template = value["spec"]["template"]
    name = value["metadata"]["name"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-0",
            "namespace": "pspd",
            "labels": template["metadata"]["labels"],
        },
        "status": {},
    }
    if options.pods in WAITING:
        reason, message = WAITING[options.pods]
        image = template["spec"]["containers"][0]["image"]
        pod["status"]["containerStatuses"] = [
            {"image": image, "state": {"waiting": {"reason": reason, "message": message}}}
        ]
    if options.pods == "room":
        pod["status"]["conditions"] = [
            {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}
        ]
    put(f"/api/v1/namespaces/pspd/pods/{name}-0", pod)
    if options.pods == "mount":
        put(
            f"/api/v1/namespaces/pspd/events/{name}",
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": "pspd"},
                "type": "Warning",
                "reason": "FailedMount",
                "message": 'secret "a-tls" not found',
                "involvedObject": {"kind": "Pod", "name": f"{name}-0"},
            },
        )


def openapi(version):
    paths = {}
    for plural, kind, _ in RESOURCES[version]:
        group, _, number = version.rpartition("/")
        known = {"group": group, "version": number, "kind": kind}
        paths[f"/{plural}/{{name}}"] = {
            "patch": {
                "x-kubernetes-group-version-kind": known,
                "parameters": [
                    {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
                ],
                "responses": {},
            }
        }
    return {"openapi": "3.0.0", "info": {"title": "x", "version": "1"}, "paths": paths}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, reason, message):
        self.answer(
            status,
            {
                "apiVersion": "v1",
                "kind": "Status",
                "metadata": {},
                "status": "Failure",
                "reason": reason,
                "message": message,
                "code": status,
            },
        )

    def resource(self):
        """Which resource a path is of, its kind and version, and whether it is a list."""
        path = urlsplit(self.path).path
        for version, resources in RESOURCES.items():
            prefix = "/api/v1" if version == "v1" else f"/apis/{version}"
            if not path.startswith(prefix + "/"):
                continue
            parts = path[len(prefix) + 1 :].split("/")
            if parts[0] == "namespaces" and len(parts) > 2:
                parts = parts[2:]
            for plural, kind, _ in resources:
                if parts[0] == plural:
                    return plural, kind, version, len(parts) == 1
        return None, None, None, False

    def forbidden(self):
        plural = self.resource()[0]
        if plural and plural in options.forbid.split(","):
            self.refuse(403, "Forbidden", f"{plural} is forbidden: User \"x\" cannot do that")
            return True
        return False

    def do_GET(self):
        with lock:
            self.get()

    def get(self):
        url = urlsplit(self.path)
        path = url.path
        if path == "/_changes":
            return self.answer(200, changes)
        if path == "/version":
            return self.answer(200, {"major": "1", "minor": "33", "gitVersion": options.version})
        if path == "/api":
            return self.answer(200, {"kind": "APIVersions", "versions": ["v1"]})
        if path == "/apis":
            groups = []
            for version in RESOURCES:
                if "/" not in version:
                    continue
                group, number = version.split("/")
                one = {"groupVersion": version, "version": number}
                groups.append({"name": group, "versions": [one], "preferredVersion": one})
            return self.answer(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        for version, resources in RESOURCES.items():
            if path == ("/api/v1" if version == "v1" else f"/apis/{version}"):
                listed = [
                    {
                        "name": plural,
                        "singularName": kind.lower(),
                        "namespaced": namespaced,
                        "kind": kind,
                        "verbs": ["get", "list", "patch", "delete", "create", "watch"],
                    }
                    for plural, kind, namespaced in resources
                ]
                value = {"kind": "APIResourceList", "groupVersion": version, "resources": listed}
                return self.answer(200, value)
        if path == "/openapi/v3":
            paths = {}
            for version in RESOURCES:
                name = "api/v1" if version == "v1" else f"apis/{version}"
                paths[name] = {"serverRelativeURL": f"/openapi/v3/{name}?hash=1"}
            return self.answer(200, {"paths": paths})
        if path.startswith("/openapi/v3/"):
            name = path[len("/openapi/v3/") :]
            version = "v1" if name == "api/v1" else name[len("apis/") :]
            return self.answer(200, openapi(version))
        if self.forbidden():
            return None
        plural, kind, version, is_list = self.resource()
        if path in objects and not is_list:
            return self.answer(200, objects[path])
        if not is_list:
            name = path.rsplit("/", 1)[-1]
            return self.refuse(404, "NotFound", f'{plural} "{name}" not found')
        selector = parse_qs(url.query).get("labelSelector", [""])[0]
        wanted = dict(one.split("=", 1) for one in selector.split(",") if one)
        prefix = path[: -len(plural)]
        items = []
        for place, value in objects.items():
            own = value["metadata"].get("labels", {})
            if (
                value["kind"] == kind
                and place.startswith(prefix)
                and all(own.get(key) == text for key, text in wanted.items())
            ):
                items.append(value)
        head = {"apiVersion": version, "kind": f"{kind}List"}
        return self.answer(200, head | {"metadata": {"resourceVersion": "1"}, "items": items})

    def body(self):
        length = int(self.headers.get("content-length", 0))
        return self.rfile.read(length)

    def do_PATCH(self):
        body = self.body()
        with lock:
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            if self.forbidden():
                return
            changes.append(f"PATCH {url.path}")
            value = json.loads(body)
            if "merge-patch" in self.headers["content-type"]:
                own = objects[url.path]["metadata"].setdefault("labels", {})
                own.update(value["metadata"]["labels"])
                return self.answer(200, objects[url.path])
            assert query["fieldManager"] == ["pspd"], query
            parts = url.path.split("/namespaces/")
            space = parts[1].split("/")[0] if len(parts) > 1 else None
            if space and f"/api/v1/namespaces/{space}" not in objects and value["kind"] != "Namespace":
                return self.refuse(404, "NotFound", f'namespaces "{space}" not found')
            forced = query.get("force") == ["true"]
            if options.conflict and value["kind"] == "Deployment" and not forced:
                message = 'Apply failed with 1 conflict: conflict with "someone": .spec.replicas'
                return self.refuse(409, "Conflict", message)
            applied(url.path, value)
            return self.answer(200, value)

    def do_DELETE(self):
        self.body()
        with lock:
            path = urlsplit(self.path).path
            changes.append(f"DELETE {path}")
            gone = objects.pop(path, None)
            if gone is None:
                return self.refuse(404, "NotFound", "not found")
            for place in [place for place in objects if place.startswith(path + "/")]:
                del objects[place]
            for place in [p for p in objects if f"{path[len('/api/v1'):]}/" in p]:
                del objects[place]
            return self.answer(200, gone)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
