// A small agent tool server: the Model Context Protocol over HTTP, and two plain routes for curl.
import express from "express";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { createServer } from "./tools.js";
import { runCommand } from "./shell.js";

const app = express();
app.use(express.json());

app.get("/healthz", (_req, res) => {
  res.json({ status: "ok", node: process.version, user: process.getuid(), cwd: process.cwd() });
});

app.post("/run", async (req, res) => {
  const command = req.body?.command;
  if (typeof command !== "string") {
    res.status(400).json({ error: 'expected {"command": "..."} as JSON' });
    return;
  }
  res.json(await runCommand(command));
});

app.post("/mcp", async (req, res) => {
  const server = createServer();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  res.on("close", () => {
    transport.close();
    server.close();
  });
  await server.connect(transport);
  await transport.handleRequest(req, res, req.body);
});

const port = Number(process.env.PORT ?? 8080);
const host = process.env.HOST ?? "127.0.0.1";
const listener = app.listen(port, host, () => console.log(`agent listens on ${host}:${listener.address().port}`));
process.on("SIGTERM", () => listener.close(() => process.exit(0)));
