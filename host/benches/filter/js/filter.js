// Keeps what failed: the benchmark's filter.

import { script } from "../../../../sdk/js/weir.js";

export const guest = script({
  about: { name: "filter", version: "0.1.0", role: "filter", language: "javascript" },
  event: (it) => it.errno !== 0,
});
