import type { KernelProgram, Status } from "../api/shapes";
import { h } from "../dom/element";

// What is looked at right now, and what nothing here can see: the frame of every figure on the page.

/** The calls that there are programs for, with the name that their programs' names begin with. */
const CALLS: readonly [string, string][] = [
  ["sendmsg", "sendmsg"],
  ["sendmmsg", "sendmmsg"],
  ["sendto", "sendto"],
  ["recvmsg", "recvmsg"],
  ["recvmmsg", "recvmmsg"],
  ["recvfrom", "recvfrom"],
  ["sendfile", "sendfile"],
  ["io_uring", "io_send"],
];

/** A call is traced while a program is attached to its entry. */
export function traced(programs: KernelProgram[]): string[] {
  return CALLS.filter(([, start]) => programs.some(({ name }) => new RegExp(`^${start}_(kprobe|fentry|entry)$`).test(name))).map(([call]) => call);
}

/** Built anew each second and morphed in; a click on the blind spots is the view's to hear. */
export function scope({ kernel_programs, backend }: Status): HTMLElement[] {
  const now = traced(kernel_programs);
  const calls = CALLS.map(([call]) => {
    const on = now.includes(call);
    return h(
      "li",
      { class: on ? "call on" : "call", title: on ? "traced: a script or --calls wants it" : "not traced: neither a script nor --calls wants it" },
      h("span", { "aria-hidden": "true" }, on ? "● " : "○ "),
      call,
      h("span", { class: "sr-only" }, on ? ", traced" : ", not traced"),
    );
  });
  const blind = backend.cannot_see.length;
  return [
    h("h2", { id: "scope-title" }, "Calls traced now"),
    h("ul", { class: "calls" }, calls),
    blind === 0 ? h("span", { class: "blind" }, "no blind spots") : h("button", { type: "button", class: "blind quiet", title: backend.cannot_see.join("\n") }, `${blind} blind ${blind === 1 ? "spot" : "spots"} of ${backend.name}`),
  ];
}
