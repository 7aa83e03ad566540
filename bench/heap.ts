/** Preloaded by a server that is measured: tells its parent what its heap holds after a collection. */
process.on("message", (asked) => {
  if (asked !== "heap") return;
  // Twice: what the first finds dead may hold what the second then does.
  gc!();
  gc!();
  process.send!({ heapUsed: process.memoryUsage().heapUsed });
});
process.channel?.unref();
