"""Serves `stage_page.py` with our own scripts, as streamlit_app.py does."""

from pathlib import Path

import streamlit as st

from pages.components import assets

app = st.App(str(Path(__file__).with_name("stage_page.py")), routes=assets.routes())
