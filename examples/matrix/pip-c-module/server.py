import ujson

print("hello from", ujson.__file__.rsplit(".", 1)[-1], ujson.dumps({}))
