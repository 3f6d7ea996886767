/** Builds dist/esm and dist/cjs from src; with --test also .test from test. The two of dist differ in their module system only. */

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

for (const made of ["dist", ".test"]) {
  rmSync(`${root}/${made}`, { recursive: true, force: true });
}
build("esm", []);
build("cjs", ["--module", "commonjs", "--moduleResolution", "node10", "--noCheck"]); // the same sources were checked above

if (process.argv.includes("--test")) {
  compile("test", []);
}

/** Compile into a folder of dist, whose own package.json says what its files are. */
function build(name, flags) {
  compile(".", ["--outDir", `${root}/dist/${name}`, ...flags]);
  const type = name === "esm" ? "module" : "commonjs";
  writeFileSync(`${root}/dist/${name}/package.json`, `${JSON.stringify({ type })}\n`);
}

function compile(project, flags) {
  execFileSync(process.execPath, [tsc, "-p", project, ...flags], { cwd: root, stdio: "inherit" });
}
