// Validates documents of extensions by the packages @kubernetes-models.
// Arguments: the folder of the packages, a JSON file with an array of documents.
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, file] = process.argv.slice(2);
const packages = {
  "gateway.networking.k8s.io": "gateway-api",
  "cert-manager.io": "cert-manager",
  "monitoring.coreos.com": "prometheus-operator",
};
let looked = 0;
for (const document of JSON.parse(readFileSync(file, "utf8"))) {
  const [group, version] = document.apiVersion.split("/");
  const place = `@kubernetes-models/${packages[group]}/${group}/${version}/${document.kind}`;
  const model = await import(pathToFileURL(path.join(modules, `${place}.js`)));
  const Model = (model.default ?? model)[document.kind];
  try {
    new Model(document).validate();
  } catch (error) {
    console.error(`${document.kind} ${document.metadata.name}: ${error.message}`);
    process.exit(1);
  }
  looked += 1;
}
console.log(looked);
