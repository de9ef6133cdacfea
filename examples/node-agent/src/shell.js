// Runs shell commands.
import { execFile } from "node:child_process";

export function runCommand(command) {
  return new Promise((resolve) => {
    execFile("/bin/sh", ["-c", command], { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}
