"""A SITE.toml that can be read, for commands that need a site and no network."""

from pathlib import Path

CUSTOMERS = "customer,service_point,meter,critical,notices\nC-001,load:1,M-1,false,true\n"
DEVICES = "device,service_point,kind,p_kw,min_kw,critical\n"


def write_site(folder: Path, more: str = "") -> Path:
    """One feeder with one customer; `more` is TOML that follows."""
    (folder / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    (folder / "devices.csv").write_text(DEVICES, encoding="utf-8")
    path = folder / "site.toml"
    feeder = (
        '[[feeder]]\nid = "dorf"\nnetwork = "pandapower:create_kerber_dorfnetz"\n'
        'customers = "customers.csv"\ndevices = "devices.csv"\n'
    )
    path.write_text(f'name = "dorf"\n\n{feeder}\n{more}', encoding="utf-8")
    return path
