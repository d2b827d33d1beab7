import sys, tempfile
from pathlib import Path
from bench import call_path
with tempfile.TemporaryDirectory() as d:
    f = call_path.measure(Path(d), calls=int(sys.argv[1]) if len(sys.argv)>1 else 6000, rounds=int(sys.argv[2]) if len(sys.argv)>2 else 3)
    print([round(x) for x in f.baseline_us],[round(x) for x in f.edge_us], round(f.ratio,2))
