/**
 * Writes src/openapi.ts from the OpenAPI document and src/version.ts from Teller's version; both come from the code of this repository.
 *
 * node scripts/generate.mjs           write the files
 * node scripts/generate.mjs --check   fail where a file differs from what would be written
 *
 * TELLER_PYTHON names the Python that Teller is installed for: .venv/bin/python unless set.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = fileURLToPath(new URL("..", import.meta.url));
const repository = join(root, "..", "..");
const python = process.env.TELLER_PYTHON ?? join(repository, ".venv", "bin", "python");

const document = execFileSync(python, ["-m", "tests.sdk.document"], { cwd: repository, encoding: "utf8", maxBuffer: 1 << 26 });
const [, version] = /^VERSION = "(.+)"$/m.exec(readFileSync(join(repository, "core", "version.py"), "utf8"));
const files = {
  "src/openapi.ts": `/** The OpenAPI document as types. Written by \`npm run generate\`: do not edit. */\n\n${await typesOf(JSON.parse(document))}`,
  "src/version.ts": [
    "/** The version of this package, which is Teller's. Written by `npm run generate`: do not edit. */",
    `export const VERSION = ${JSON.stringify(version)};`,
    "",
  ].join("\n"),
};

if (process.argv.includes("--check")) {
  const stale = Object.keys(files).filter((name) => readFileSync(join(root, name), "utf8") !== files[name]);
  if (stale.length) {
    console.error(`not what the OpenAPI document gives now: ${stale.join(", ")}; run npm run generate`);
    process.exit(1);
  }
} else {
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(root, name), text);
    console.log(name);
  }
}

/** A field with a default may be left out of a request, so it is optional. */
async function typesOf(given) {
  return astToString(await openapiTS(withoutNoise(given), { defaultNonNullable: false }));
}

/** Leave out what no code uses: examples, and the problems of each operation, which all have one form. */
function withoutNoise(given) {
  delete given.components.responses;
  for (const path of Object.values(given.paths)) {
    for (const operation of Object.values(path)) {
      const answers = Object.entries(operation.responses).filter(([status]) => status.startsWith("2"));
      operation.responses = Object.fromEntries(answers.map(([status, { headers: _, ...answer }]) => [status, answer]));
    }
  }
  return JSON.parse(
    JSON.stringify(given, (_, value) => (value?.schema && "example" in value ? { ...value, example: undefined } : value)),
  );
}
