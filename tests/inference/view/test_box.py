import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inference.view.box import Box, place_box, sides_px

pictures = st.builds(
    lambda x0, y0, width, height: Box(x0, y0, x0 + width, y0 + height),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(40, 2000),
    st.integers(40, 2000),
)
steps = st.sampled_from([1, 8, 16, 32])
growths = st.sampled_from([1.05, 1.125, 1.4, 2.0])
places = st.tuples(*[st.floats(-500, 2500)] * 2, *[st.floats(0, 1500)] * 2)


@given(st.integers(1, 5000), steps, growths)
def test_sides_rise_on_the_grid_up_to_the_picture(length, align, growth):
    sides = sides_px(length, align, growth)
    assert sides[-1] == length
    assert list(sides) == sorted(set(sides))
    assert all(side % align == 0 for side in sides[:-1])
    assert all(side >= 128 for side in sides[:-1])


def test_coarse_steps_make_few_shapes():
    assert len(sides_px(640, 16, 1.4)) <= 6
    assert len(sides_px(1920, 32, 1.4)) <= 9


@given(pictures, steps, growths, places)
def test_box_is_inside_and_holds_what_can_be_held(picture, align, growth, place):
    x0, y0, width, height = place
    place = x0, y0, x0 + width, y0 + height
    widths = sides_px(picture.width, align, growth)
    heights = sides_px(picture.height, align, growth)

    box = place_box(place, widths, heights, picture, align)

    assert picture.holds(box)
    assert box.width in widths
    assert box.height in heights
    # what lies outside the picture is drawn to its side
    held = np.clip(place, np.tile(picture[:2], 2), np.tile(picture[2:], 2))
    assert box.x0 <= held[0]
    assert box.x1 >= held[2]
    assert box.y0 <= held[1]
    assert box.y1 >= held[3]


@given(pictures, steps, places)
def test_corner_is_on_the_grid_unless_the_picture_ends(picture, align, place):
    x0, y0, width, height = place
    box = place_box(
        (x0, y0, x0 + width, y0 + height),
        sides_px(picture.width, align, 1.125),
        sides_px(picture.height, align, 1.125),
        picture,
        align,
    )
    for start, end, first, last in (
        (box.x0, box.x1, picture.x0, picture.x1),
        (box.y0, box.y1, picture.y0, picture.y1),
    ):
        assert (start - first) % align == 0 or end == last


def test_is_the_smallest_that_holds_it():
    picture = Box(0, 0, 640, 480)
    sizes = (128, 192, 256, 640), (128, 192, 256, 480)
    assert place_box((306, 200, 420, 300), *sizes, picture, 16)[2:] == (432, 320)
    assert place_box((306, 200, 434.5, 300), *sizes, picture, 16).width == 192
    assert place_box((10, 10, 300, 60), *sizes, picture, 16) == (0, 0, 640, 128)


def test_picture_that_is_no_multiple_of_the_step_is_seen_to_its_last_column():
    box = place_box(
        (600, 0, 650, 50), (128, 256, 650), (128, 470), Box(0, 0, 650, 470), 32
    )
    assert box == (522, 0, 650, 128)
