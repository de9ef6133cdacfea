import uvicorn
from matrix_lib import app


def main():
    uvicorn.run(app, host="0.0.0.0", port=8080)
