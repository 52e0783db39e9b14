"""Sionna's "5G NR PUSCH Tutorial", its 3GPP channel replaced by a fitted model or a file.

python examples/pusch.py RUN|FILE
"""

import sys

import sionna.phy
from sionna.phy.channel import OFDMChannel
from sionna.phy.nr import PUSCHConfig, PUSCHReceiver, PUSCHTransmitter
from sionna.phy.utils import compute_bler, ebnodb2no

from chanvae.link import ChannelModel

sionna.phy.config.seed = 42
model = ChannelModel(sys.argv[1], speed=3.0, carrier_frequency=3.5e9)

pusch_config = PUSCHConfig()
pusch_transmitter = PUSCHTransmitter(pusch_config)
pusch_receiver = PUSCHReceiver(pusch_transmitter)
channel = OFDMChannel(model, pusch_transmitter.resource_grid, normalize_channel=True)

for ebno_db in (-12, -8, -4, 0, 4):
    x, bits = pusch_transmitter(64)
    no = ebnodb2no(
        ebno_db,
        pusch_transmitter._num_bits_per_symbol,
        pusch_transmitter._target_coderate,
        pusch_transmitter.resource_grid,
    )
    y = channel(x, no)
    print(f"{ebno_db:4d} dB: BLER {compute_bler(bits, pusch_receiver(y, no)):.3f}")
