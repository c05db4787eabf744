"""What a vessel looks like when it is straightened, stretched or cut across: pictures cut, but not drawn."""
