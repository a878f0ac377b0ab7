import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

/** Where a trial build goes (GRIDWARD_STATIC), and which daemon the development server asks (GRIDWARD_API). */
const outDir = process.env["GRIDWARD_STATIC"] ?? "../static";
const daemon = process.env["GRIDWARD_API"] ?? "http://127.0.0.1:8080";
const COMPRESSIBLE = /\.(js|css|html|svg|json)$/;
const WORTH_BYTES = 1024;

/** Lays the compressed forms beside each file once, so that the daemon never compresses them. */
function precompress(): Plugin {
  return {
    name: "precompress",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
        const file = join(outDir, name);
        if (!COMPRESSIBLE.test(name) || statSync(file).size < WORTH_BYTES) continue;
        const plain = readFileSync(file);
        writeFileSync(`${file}.gz`, gzipSync(plain, { level: 9 }));
        const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 };
        writeFileSync(`${file}.br`, brotliCompressSync(plain, { params: quality }));
      }
    },
  };
}

export default defineConfig({
  base: "/console/",
  plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false }), precompress()],
  build: { outDir, emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": daemon, "/health": daemon } },
  preview: { proxy: { "/api": daemon, "/health": daemon } },
});
