"""What a link is: modulation, code, pilots and how much is simulated."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from chanvae.config import Config

Estimator = Literal["lmmse", "ls"]
Rival = Literal["tdl", "cdl", "rayleigh"]


class LinkConfig(Config):
    """One user, OFDM, QAM, LDPC of 5G NR; channels of unit power (ideal power control)."""

    bits_per_symbol: Literal[2, 4, 6, 8] = 4
    code_rate: float = Field(default=0.5, gt=0.1, lt=0.93)
    iterations: PositiveInt = Field(default=12, description="of the LDPC decoder")
    symbols: PositiveInt = Field(default=7, description="OFDM symbols of a slot")
    pilots: tuple[NonNegativeInt, ...] = Field(default=(3,), description="those that are pilots")
    streams: NonNegativeInt = Field(
        default=0, description="0: as many as the antennas allow, at most 4"
    )
    subcarriers: NonNegativeInt = Field(default=0, description="0: as many as the data have")
    subcarrier_spacing: NonNegativeFloat = Field(default=0.0, description="[Hz]; 0: the data's")
    speed: NonNegativeFloat = Field(default=0.0, description="of the user [m/s]")
    estimators: tuple[Estimator, ...] = ("lmmse", "ls")
    rivals: tuple[Rival, ...] = ("tdl", "cdl", "rayleigh")
    batch: PositiveInt = 64
    blocks: PositiveInt = Field(default=2000, description="code words at an SNR, at most, about")
    errors: PositiveInt = Field(default=100, description="code words in error that are enough")
    step_db: PositiveFloat = Field(default=0.5, description="between two SNRs")
    least_bler: float = Field(default=0.005, gt=0, lt=0.5, description="where a curve ends")
    draws: PositiveInt = Field(default=1000, description="channels for covariances and capacity")
