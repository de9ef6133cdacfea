// The tools that the agent offers.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { runCommand } from "./shell.js";

export function createServer() {
  const server = new McpServer({ name: "node-agent", version: "1.0.0" });
  server.registerTool(
    "run",
    { description: "Run a shell command and return what it printed", inputSchema: { command: z.string() } },
    async ({ command }) => {
      const result = await runCommand(command);
      return { content: [{ type: "text", text: result.output }], isError: result.code !== 0 };
    },
  );
  return server;
}
