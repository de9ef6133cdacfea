from mcp.server.fastmcp import FastMCP

server = FastMCP("hello")


@server.tool()
def greet() -> str:
    return "hello"


def main():
    server.run()
