"""Make synthetic images of spots on local background, with the truth about every spot.

Three scenes, as in the NEUBIAS module on local background: a disc with clean spots, the same kind
of scene under strong noise, and a cell with vesicles. Every random generator gives another scene
of the kind, so the same functions serve one example or a study over many.

Positions are 0-based pixel centres in the order y, x. Lengths are in pixels and brightness is in
grey levels unless stated. Spots are a float64 array of shape (n, 4) with columns `COLUMNS`.
"""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from scipy.ndimage import gaussian_filter

COLUMNS = ("y", "x", "amplitude", "sigma")
DATA = Path(__file__).resolve().parent.parent / "data"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scene:
    """An image and what is true of it.

    Attributes
    ----------
    image : ndarray of uint8 or uint16, shape (height, width)
    background : ndarray of float64, shape (height, width)
        The expected grey level of each pixel, were there no spots.
    spots, dark_spots : ndarray of float64, shape (n, 4)
        Columns `COLUMNS`; the amplitude of a dark spot is negative.
    """

    image: np.ndarray
    background: np.ndarray
    spots: np.ndarray
    dark_spots: np.ndarray


def gaussian_spots(shape, spots):
    """Render spots as Gaussians on zero, sampled at the pixel centres.

    Parameters
    ----------
    shape : (int, int)
    spots : array_like, shape (n, 4)

    Returns
    -------
    ndarray of float64

    References
    ----------
    Zhang, Zerubia, Olivo-Marin. Gaussian approximations of fluorescence microscope point-spread
    function models. Applied Optics 46, 1819 (2007). doi:10.1364/AO.46.001819
    """
    y, x, amplitude, sigma = np.reshape(spots, (-1, 4)).T[:, :, None]
    along_y = np.exp(-0.5 * ((np.arange(shape[0]) - y) / sigma) ** 2)
    along_x = np.exp(-0.5 * ((np.arange(shape[1]) - x) / sigma) ** 2)
    return (amplitude * along_y).T @ along_x


def distance(shape, point):
    """Measure how far each pixel is from a point."""
    rows, cols = np.indices(shape)
    return np.hypot(rows - point[0], cols - point[1])


def blob(rng, shape, *, centre, radius, edge, wobble=0.0):
    """Draw a round shape, 1 inside and 0 outside, blurred by a Gaussian of `edge` pixels.

    `wobble` is the depth of the outline's random lobes relative to the radius; 0 draws a disc.
    """
    rows, cols = np.indices(shape)
    angle = np.arctan2(rows - centre[0], cols - centre[1])
    lobes = np.arange(2, 6)[:, None, None]
    waves = np.cos(lobes * angle + rng.uniform(0, 2 * np.pi, lobes.shape)) / lobes
    inside = distance(shape, centre) <= radius * (1 + wobble * waves.sum(axis=0))
    return gaussian_filter(inside.astype(float), edge, mode="nearest")


def texture(rng, shape, *, scale):
    """Draw a random field of mean 0 and standard deviation 1, smooth over `scale` pixels."""
    field = gaussian_filter(rng.standard_normal(shape), scale, mode="wrap")
    return (field - field.mean()) / field.std()


def scatter(rng, weight, n, *, spacing, taken=()):
    """Choose sub-pixel positions, at least `spacing` from each other and from those taken.

    Parameters
    ----------
    rng : numpy.random.Generator
    weight : ndarray, shape (height, width)
        How likely each pixel is; a mask will do.
    n : int
    spacing : float
    taken : array_like, shape (m, 2), optional

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Rounded to the three decimals of the truth files, so that these are exact.
    """
    positions = [*taken]
    # A position lies anywhere within its pixel, so a pixel is free only if 1 px further away.
    free = weight * np.prod([distance(weight.shape, p) >= spacing + 1 for p in taken], axis=0)
    for _ in range(n):
        if not free.any():
            raise ValueError(f"no room for {n} spots {spacing:g} px apart; ask for fewer")
        pixel = rng.choice(free.size, p=free.ravel() / free.sum())
        position = np.unravel_index(pixel, free.shape) + rng.uniform(-0.5, 0.5, 2)
        positions.append(position.round(3))
        free = free * (distance(free.shape, positions[-1]) >= spacing + 1)
    return np.reshape(positions[len(taken) :], (n, 2))


def inner(shape, margin):
    """Mask the pixels further than `margin` pixels from the border."""
    margin = int(np.ceil(margin))
    return np.pad(np.ones(np.subtract(shape, 2 * margin)), margin)


def disc_scene(
    rng,
    *,
    shape=(256, 256),
    n_on=3,
    n_off=3,
    n_dark=1,
    sigma=3.0,
    amplitude=(60.0, 80.0),
    noise=0.0,
    ground=10.0,
    disc=150.0,
):
    """Draw spots on and beside a flat bright disc.

    Even the brightest spot beside the disc is darker than the disc, so no one threshold finds all.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (int, int), optional
    n_on, n_off, n_dark : int, optional
        Number of bright spots on the disc, of bright spots beside it, of dark spots on it.
    sigma : float, optional
        Standard deviation of a spot.
    amplitude : (float, float), optional
        Lowest and highest peak height.
    noise : float, optional
        Standard deviation of the Gaussian read noise.
    ground, disc : float, optional
        Grey levels beside and on the disc.

    Returns
    -------
    Scene
        With a uint8 image; values beyond 0 and 255 are cut off, as by a camera.
    """
    centre = (np.array(shape) - 1) / 2 + rng.uniform(-0.1, 0.1, 2) * shape
    radius, edge = rng.uniform(0.23, 0.26) * min(shape), 3.0
    cover = blob(rng, shape, centre=centre, radius=radius, edge=edge)
    background = ground + (disc - ground) * cover

    # Every spot, but for its faintest tail, stands on flat ground.
    clear = 3 * (sigma + edge)
    from_edge = distance(shape, centre) - radius
    on = scatter(rng, from_edge < -clear, n_on + n_dark, spacing=7 * sigma)
    off = scatter(rng, inner(shape, 4 * sigma) * (from_edge > clear), n_off, spacing=7 * sigma)
    positions = np.vstack([on, off])
    height = rng.uniform(*amplitude, len(positions)).round(1)
    height[:n_dark] *= -1
    spots = np.column_stack([positions, height, np.full(len(positions), sigma)])

    grey = background + gaussian_spots(shape, spots) + noise * rng.standard_normal(shape)
    image = np.rint(grey).clip(0, 255).astype(np.uint8)
    return Scene(image, background, spots[n_dark:], spots[:n_dark])


def cell_scene(
    rng,
    *,
    shape=(256, 256),
    n_spots=55,
    n_pairs=6,
    sigma=1.4,
    amplitude=(80.0, 400.0),
    cytoplasm=250.0,
    offset=100.0,
    gain=1.5,
    read_noise=4.0,
):
    """Draw vesicles on the uneven cytoplasm of a cell.

    The cytoplasm is brightest at one side of the nucleus, where vesicles gather too; a few lie
    over the nucleus. Vesicles keep 3.6 sigma apart, save for the touching pairs.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (int, int), optional
    n_spots, n_pairs : int, optional
        Number of spots, and of pairs among them that touch (1.8 to 2.9 sigma apart).
    sigma : float, optional
        Typical standard deviation of a spot; each differs from it by up to 10 %.
    amplitude : (float, float), optional
        Lowest and highest peak height; log-uniform, so dim spots are more common.
    cytoplasm : float, optional
        Typical level of the cell above the offset.
    offset, gain, read_noise : float, optional
        Of the camera: level without light, grey levels per electron, standard deviation. The
        variance of a pixel is ``gain * (mean - offset) + read_noise ** 2``.

    Returns
    -------
    Scene
        With a uint16 image and no dark spots.

    References
    ----------
    Foi, Trimeche, Katkovnik, Egiazarian. Practical Poissonian-Gaussian noise modeling and fitting
    for single-image raw-data. IEEE Trans. Image Process. 17, 1737 (2008).
    doi:10.1109/TIP.2008.2001399
    """
    size = min(shape)
    centre = (np.array(shape) - 1) / 2 + rng.uniform(-0.04, 0.04, 2) * size
    body = blob(rng, shape, centre=centre, radius=0.37 * size, edge=0.03 * size, wobble=0.3)
    nucleus = blob(rng, shape, centre=centre, radius=0.13 * size, edge=0.01 * size, wobble=0.2)
    direction = rng.uniform(0, 2 * np.pi)
    golgi = centre + 0.14 * size * np.array([np.sin(direction), np.cos(direction)])
    perinuclear = np.exp(-0.5 * (distance(shape, golgi) / (0.13 * size)) ** 2)

    # The grain is coarser than the spots, or no eye could tell them apart.
    grain = 0.15 * texture(rng, shape, scale=16) + 0.08 * texture(rng, shape, scale=6)
    light = body * (1 + 1.6 * perinuclear) * (1 - 0.45 * nucleus) * (1 + grain).clip(0.3)
    haze = 0.05 + 0.15 * gaussian_filter(light, 0.1 * size)
    background = offset + cytoplasm * (light + haze)

    apart, touching = 3.6 * sigma, (1.8 * sigma, 2.9 * sigma)
    crowd = (1 + 3 * perinuclear) * (1 - 0.7 * nucleus) * (body > 0.8) * inner(shape, 6 * sigma)
    first = scatter(rng, crowd, n_pairs, spacing=apart + 2 * touching[1])
    angle = rng.uniform(0, 2 * np.pi, n_pairs)
    step = rng.uniform(*touching, n_pairs) * np.array([np.sin(angle), np.cos(angle)])
    pairs = np.vstack([first, (first + step.T).round(3)])
    singles = scatter(rng, crowd, n_spots - 2 * n_pairs, spacing=apart, taken=pairs)
    height = np.exp(rng.uniform(*np.log(amplitude), n_spots)).round(1)
    width = (sigma * rng.uniform(0.9, 1.1, n_spots)).round(3)
    spots = np.column_stack([np.vstack([pairs, singles]), height, width])

    electrons = rng.poisson((background - offset + gaussian_spots(shape, spots)) / gain)
    grey = offset + gain * electrons + read_noise * rng.standard_normal(shape)
    image = np.rint(grey).clip(0, 65535).astype(np.uint16)
    return Scene(image, background, spots, np.empty((0, 4)))


def write_scene(scene, folder, name, *, pixel_size_um):
    """Write `<name>.tif`, readable by ImageJ with its pixel size, and its truth under `truth/`."""
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        folder / f"{name}.tif",
        scene.image,
        imagej=True,
        resolution=(1 / pixel_size_um, 1 / pixel_size_um),
        metadata={"axes": "YX", "unit": "um"},
    )
    for kind, spots in {name: scene.spots, f"{name}_dark": scene.dark_spots}.items():
        if len(spots):
            path, header = folder / "truth" / f"{kind}.csv", ",".join(COLUMNS)
            np.savetxt(path, spots, fmt="%.3f", delimiter=",", header=header, comments="")


def example_scenes(seed):
    """Draw the three example scenes, each from a random stream of its own."""
    clean, noisy, cell = np.random.default_rng(seed).spawn(3)
    return {
        "disc_clean": disc_scene(clean),
        # On a ground of 10, a third of the noise would be cut off at 0.
        "disc_noisy": disc_scene(noisy, noise=22.0, ground=30.0),
        "cell": cell_scene(cell),
    }


def main(argv=None):
    """Write the example images, their truth and their sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DATA, help="folder (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=3, help="seed (default: %(default)s)")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    sheet = ["image,path,spot_radius,group,truth"]
    for name, scene in example_scenes(options.seed).items():
        group = name.split("_")[0]
        # The disk of radius sqrt(2) sigma is where the Gaussian's Laplacian is negative.
        spot_radius = round(np.sqrt(2) * np.median(scene.spots[:, 3]))
        write_scene(scene, options.out, name, pixel_size_um={"disc": 0.2, "cell": 0.1}[group])
        sheet.append(f"{name},{name}.tif,{spot_radius},{group},truth/{name}.csv")
        logger.info("%s: %d bright, %d dark spots", name, len(scene.spots), len(scene.dark_spots))
    (options.out / "images.csv").write_text("\n".join(sheet) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
