import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // The host's content security policy allows no inline script, and no browser of this target needs the polyfill.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/api": {
        target: "http://127.0.0.1:7070",
        // The host checks Host and Origin; behind the proxy both must name the host itself.
        changeOrigin: true,
        headers: { origin: "http://127.0.0.1:7070" },
      },
    },
  },
});
