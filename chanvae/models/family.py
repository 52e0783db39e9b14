"""From a configuration to the model it means."""

from chanvae.config import (
    AnyModel,
    AutoencoderConfig,
    BetaVaeConfig,
    DdpmConfig,
    DenoisingConfig,
    FlowMatchingConfig,
    GmmConfig,
    HvaeConfig,
    SparseConfig,
    VaeConfig,
    VqvaeConfig,
    WganConfig,
)
from chanvae.models.autoencoder import Autoencoder, Denoising, Sparse
from chanvae.models.cvae import CVAE
from chanvae.models.hvae import HVAE
from chanvae.models.maps import MapModel
from chanvae.models.rivals.ddpm import Ddpm
from chanvae.models.rivals.flow_matching import FlowMatching
from chanvae.models.rivals.mixture import ComplexMixture
from chanvae.models.rivals.wgan import Wgan
from chanvae.models.vae import VAE
from chanvae.models.vqvae import VQVAE
from chanvae.transforms.angle_delay import AngleDelay


def model_of(grid: AngleDelay, context: int, config: AnyModel) -> MapModel:
    """The model of ``config.kind``.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: Which model.
    """
    match config:
        case AutoencoderConfig():
            return Autoencoder(grid, context, config)
        case DenoisingConfig():
            return Denoising(grid, context, config)
        case SparseConfig():
            return Sparse(grid, context, config)
        case VaeConfig() | BetaVaeConfig():
            return VAE(grid, context, config)
        case VqvaeConfig():
            return VQVAE(grid, context, config)
        case HvaeConfig():
            return HVAE(grid, context, config)
        case WganConfig():
            return Wgan(grid, context, config)
        case DdpmConfig():
            return Ddpm(grid, context, config)
        case FlowMatchingConfig():
            return FlowMatching(grid, context, config)
        case GmmConfig():
            return ComplexMixture(grid, context, config)
        case _:
            return CVAE(grid, context, config)
