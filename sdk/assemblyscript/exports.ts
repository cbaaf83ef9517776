// What the main file exports to the host: `export * from "./weir/exports"`.

export {
  weir_abi, weir_alloc, weir_batch, weir_describe, weir_restore, weir_save, weir_start, weir_tick,
} from "./entry";
