"""Host the built component in this process with wasmtime: local serving without Rust, faults on demand, exact cost."""
