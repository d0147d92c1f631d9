# Makes aggregation-python.json: the shapes as Python's aws_kinesis_agg writes them.
#   python3 -m venv venv && venv/bin/pip install aws_kinesis_agg==1.2.3 six
#   venv/bin/python test/vectors/make_aggregates_python.py

import json
from importlib.metadata import version
from pathlib import Path

from aws_kinesis_agg.aggregator import AggRecord

folder = Path(__file__).parent


def text(value, i):
    if isinstance(value, str):
        return value
    if "numbered" in value:
        return f"{value['numbered']}{i}"
    return value["text"] * value["times"]


vectors = []
for shape in json.loads((folder / "aggregation-shapes.json").read_text("utf8"))["shapes"]:
    aggregate = AggRecord()
    for i in range(shape.get("times", 1)):
        for record in shape["records"]:
            data = record["data"]
            is_hex = not isinstance(data, str) and "hex" in data
            hash_key = record.get("hashKey")
            added = aggregate.add_user_record(
                text(record["key"], i),
                bytes.fromhex(data["hex"]) if is_hex else text(data, i),
                None if hash_key is None else text(hash_key, i),
            )
            assert added
    vectors.append({"name": shape["name"], "hex": aggregate.get_contents()[2].hex()})

source = f"Python aws_kinesis_agg {version('aws_kinesis_agg')}, protobuf {version('protobuf')}"
document = json.dumps({"source": source, "vectors": vectors}, indent=1)
(folder / "aggregation-python.json").write_text(document + "\n", "utf8")
